package anabranch.samples.picture;

import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Every figure of a report as one JSON tree; the page is made from it and from nothing else.
 * Stateless.
 */
final class Figures {
  /** The version of the tree. */
  static final int FORMAT = 1;

  /** The most bytes of one line that are shown. */
  static final int MOST_BYTES = 1024;

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private Figures() {}

  static ObjectNode of(Run run, Gallery gallery, Run.Curve curve) {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", FORMAT);
    root.put("model", run.model()).put("policy", run.policy()).put("device", run.device());
    totals(root.putObject("totals"), run);
    ObjectNode latency = root.putObject("latency");
    latency(latency.putObject("fullSpeed"), run.atFullSpeed());
    if (run.atHalfSpeed() != null) {
      latency(latency.putObject("halfSpeed"), run.atHalfSpeed());
    }
    exits(root.putArray("exits"), run, gallery);
    exitsByBits(root.putArray("exitsByBits"), run, gallery);
    load(root.putArray("load"), run);
    if (run.agreement().lines() > 0) {
      agreement(root.putObject("agreement"), run.agreement());
    }
    if (!curve.points().isEmpty()) {
      curve(root.putObject("curve"), curve);
    }
    ObjectNode odd = root.putObject("odd");
    odd.put("flagged", gallery.flaggedSeen());
    odd.put("leftOut", Math.max(0, gallery.flaggedSeen() - gallery.odd().size()));
    lines(odd.putArray("lines"), gallery.odd());
    lines(root.putObject("ordinary").putArray("lines"), gallery.ordinary());
    return root;
  }

  private static void totals(ObjectNode out, Run run) {
    out.put("lines", run.lines()).put("blankLines", run.blankLines()).put("bytes", run.bytes());
    out.put("seconds", run.seconds());
    out.put("linesPerSecond", ratio(run.lines(), run.seconds()));
    out.put("bytesPerSecond", ratio(run.bytes(), run.seconds()));
    out.put("bitsPerByte", ratio(run.bits(), run.bytes()));
    out.put("blocks", run.load().size());
    out.put("blocksPerByte", ratio(run.blocksRun(), run.bytes()));
    out.put("arithmetic", ratio(run.flops(), run.fullFlops()));
  }

  private static void latency(ObjectNode out, Run.Latency latency) {
    out.put("medianMillis", latency.medianMillis());
    out.put("p99Millis", latency.p99Millis());
    out.put("linesPerSecond", latency.linesPerSecond());
  }

  private static void exits(ArrayNode out, Run run, Gallery gallery) {
    for (int s = 0; s < run.stages().size(); s++) {
      Run.Stage stage = run.stages().get(s);
      ObjectNode exit = out.addObject();
      exit.put("stage", stage.name()).put("after", stage.after()).put("bytes", stage.bytes());
      exit.put("share", ratio(stage.bytes(), run.bytes()));
      exit.put("bitsPerByte", ratio(gallery.bitsOf(s), stage.bytes()));
    }
  }

  private static void exitsByBits(ArrayNode out, Run run, Gallery gallery) {
    for (int step = 0; step < Heat.STEPS; step++) {
      ObjectNode bin = out.addObject();
      bin.put("from", Heat.from(step));
      if (step + 1 < Heat.STEPS) {
        bin.put("to", Heat.from(step + 1));
      }
      long all = 0;
      for (int s = 0; s < run.stages().size(); s++) {
        all += gallery.bytes(step, s);
      }
      bin.put("bytes", all);
      ArrayNode shares = bin.putArray("shares");
      for (int s = 0; s < run.stages().size(); s++) {
        shares.add(ratio(gallery.bytes(step, s), all));
      }
    }
  }

  private static void load(ArrayNode out, Run run) {
    for (List<Long> experts : run.load()) {
      long bytes = experts.stream().mapToLong(Long::longValue).sum();
      ObjectNode block = out.addObject();
      block.put("bytes", bytes);
      ArrayNode shares = block.putArray("shares");
      experts.forEach(seen -> shares.add(ratio(seen, bytes)));
    }
  }

  private static void agreement(ObjectNode out, Run.Agreement agreement) {
    out.put("lines", agreement.lines()).put("bytes", agreement.bytes());
    out.put("closeLines", ratio(agreement.closeLines(), agreement.lines()));
    out.put("sameBytes", ratio(agreement.sameBytes(), agreement.bytes()));
  }

  private static void curve(ObjectNode out, Run.Curve curve) {
    out.put("lines", curve.lines()).put("drawn", curve.drawn()).put("bytes", curve.bytes());
    out.put("seconds", curve.seconds());
    ArrayNode points = out.putArray("points");
    for (Run.Point point : curve.points()) {
      ObjectNode one = points.addObject();
      one.put("shift", point.shift());
      ObjectNode thresholds = one.putObject("thresholds");
      new TreeMap<>(point.thresholds()).forEach(thresholds::put);
      one.put("blocksPerByte", ratio(point.blocksRun(), curve.bytes()));
      one.put("arithmetic", ratio(point.flops(), point.fullFlops()));
      one.put("bitsPerByte", ratio(point.bits(), curve.bytes()));
      one.put("closeLines", ratio(point.agreement().closeLines(), point.agreement().lines()));
      one.put("sameBytes", ratio(point.agreement().sameBytes(), point.agreement().bytes()));
    }
  }

  private static void lines(ArrayNode out, List<ByteLine> lines) {
    for (ByteLine line : lines) {
      int shown = Math.min(line.bytes(), MOST_BYTES);
      ObjectNode one = out.addObject();
      one.put("source", line.source()).put("number", line.number());
      one.put("bytes", line.bytes()).put("bitsPerByte", hundredths(line.bitsPerByte()));
      one.put("text", HexFormat.of().formatHex(line.text(), 0, shown));
      ArrayNode bits = one.putArray("bits");
      StringBuilder exits = new StringBuilder(shown);
      for (int i = 0; i < shown; i++) {
        bits.add(hundredths(line.bits()[i]));
        exits.append(line.exits()[i]);
      }
      one.put("exits", exits.toString());
    }
  }

  private static double hundredths(double bits) {
    return Math.round(bits * 100) / 100.0;
  }

  private static double ratio(double part, double whole) {
    return whole == 0 ? 0 : part / whole;
  }
}
