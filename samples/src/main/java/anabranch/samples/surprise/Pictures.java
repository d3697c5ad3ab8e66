package anabranch.samples.surprise;

import anabranch.model.plan.Exit;
import anabranch.model.plan.Part;
import anabranch.samples.picture.Ansi;
import anabranch.samples.picture.ByteLine;
import anabranch.samples.picture.Gallery;
import anabranch.samples.picture.PictureOptions;
import anabranch.samples.picture.ReportFiles;
import anabranch.samples.picture.Reservoir;
import anabranch.samples.picture.Run;
import anabranch.samples.text.Glyph;
import anabranch.samples.text.Line;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Hands what a run found to those who draw it. Confined to one thread. */
final class Pictures {
  private static final int SWEPT_LINES = 400;
  private static final int COLUMNS = 96;
  private static final int SHOWN = 12;

  private final Gallery gallery = new Gallery(SurpriseJob.exitNames().size());
  private final Reservoir<Line> swept = new Reservoir<>(SWEPT_LINES);

  /** Shows it one more line of the run. */
  void add(LineScore score, boolean flagged) {
    if (score.bytes() > 0) {
      gallery.add(
          new ByteLine(
              score.source(), score.number(), score.text(), score.byteBits(), score.byteExits()),
          flagged);
      swept.add(new Line(score.source(), score.number(), score.text()));
    }
  }

  /** Draws the lines in colour if that is wanted, and writes the report. */
  void draw(
      PictureOptions options,
      String backend,
      Path weights,
      Tally atFullSpeed,
      @Nullable Tally atHalfSpeed,
      PrintStream out)
      throws IOException {
    if (atFullSpeed.bytes == 0) {
      return;
    }
    if (options.color()) {
      out.print(lines());
    }
    Run.Curve curve =
        Sweep.of(
            backend, weights, SurpriseModel.getSurprisePolicy(), swept.sample(), options.curve());
    ReportFiles.write(options.report(), run(atFullSpeed, atHalfSpeed), gallery, curve);
    out.printf(
        "%nreport %s, figures %s%n", options.report(), ReportFiles.figuresOf(options.report()));
  }

  private String lines() {
    Charset charset =
        Charset.forName(System.getProperty("stdout.encoding", Charset.defaultCharset().name()));
    List<ByteLine> odd = gallery.odd();
    StringBuilder out = new StringBuilder("\nbyte by byte\n" + Ansi.legend(after()));
    for (ByteLine line : odd.subList(0, Math.min(SHOWN, odd.size()))) {
      out.append(String.format(Locale.ROOT, "%5.2f  ", line.bitsPerByte()))
          .append(Glyph.harmless(line.source()) + ":" + line.number() + "\n")
          .append(Ansi.of(line, after(), COLUMNS, charset));
    }
    return out.toString();
  }

  private static Run run(Tally full, @Nullable Tally half) {
    List<Run.Stage> stages = new ArrayList<>();
    for (int s = 0; s < full.exits.length; s++) {
      stages.add(new Run.Stage(SurpriseJob.exitNames().get(s), after().get(s), full.exits[s]));
    }
    List<List<Long>> load = new ArrayList<>();
    for (int first = 0; first < full.load.length; first += LineScorer.EXPERTS) {
      load.add(
          LongStream.range(first, first + LineScorer.EXPERTS)
              .mapToObj(i -> full.load[(int) i])
              .toList());
    }
    return new Run(
        SurpriseModel.getSurpriseModel().name(),
        SurpriseModel.getSurprisePolicy().version(),
        full.device,
        stages,
        full.lines,
        full.blank,
        full.bytes,
        full.bits,
        full.seconds(),
        full.blocksRun,
        full.flops,
        full.fullFlops,
        latency(full),
        half == null ? null : latency(half),
        load,
        new Run.Agreement(full.auditedLines, full.audited, full.closeLines, full.agreed));
  }

  private static Run.Latency latency(Tally tally) {
    return new Run.Latency(
        tally.latencies.millis(0.5), tally.latencies.millis(0.99), tally.lines / tally.seconds());
  }

  /** Returns how many blocks lie before each exit, and before the end. */
  private static List<Integer> after() {
    List<Integer> after = new ArrayList<>();
    int blocks = 0;
    for (Part part : SurpriseModel.getSurpriseModel().plan().parts()) {
      if (part instanceof Exit) {
        after.add(blocks);
      } else {
        blocks++;
      }
    }
    after.add(LineScorer.BLOCKS);
    return after;
  }
}
