package anabranch.samples.kinds;

import anabranch.samples.alarm.Levels;
import anabranch.samples.alarm.Oddness;
import anabranch.samples.alarm.Verdict;
import anabranch.samples.surprise.LineScore;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Adds up the scores of one kind: normal lines, then others, then planted ones, told apart by their
 * file. Confined to one thread.
 */
final class KindRow {
  private final String kind;
  private final String normal;
  private final String others;
  private final Map<String, Oddity> planted;
  private final Levels levels = new Levels();
  private final Map<Oddity, int[]> found = new EnumMap<>(Oddity.class);
  private long[] exits = new long[0];
  private long lines;
  private long bytes;
  private double bits;
  private long flagged;
  private long blocksRun;
  private long flops;
  private long fullFlops;

  KindRow(String kind, String normal, String others, Map<Oddity, String> planted) {
    this.kind = kind;
    this.normal = normal;
    this.others = others;
    this.planted =
        planted.entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getValue, Map.Entry::getKey));
  }

  void add(LineScore line) {
    if (line.bytes() == 0) {
      return;
    }
    double odd = Oddness.of(line.bits(), line.bytes());
    if (line.source().equals(normal)) {
      levels.addNormal(kind, odd);
      return;
    }
    boolean above = levels.judge(kind, odd) == Verdict.ODD;
    if (line.source().equals(others)) {
      addOther(line, above);
      return;
    }
    Oddity oddity = planted.get(line.source());
    if (oddity == null) {
      throw new IllegalArgumentException("source " + line.source() + " is not one of this kind");
    }
    int[] counts = found.computeIfAbsent(oddity, any -> new int[2]);
    counts[0] += above ? 1 : 0;
    counts[1]++;
  }

  private void addOther(LineScore line, boolean above) {
    lines++;
    flagged += above ? 1 : 0;
    bytes += line.bytes();
    bits += line.bits();
    blocksRun += line.blocksRun();
    flops += line.flops();
    fullFlops += line.fullFlops();
    if (exits.length == 0) {
      exits = new long[line.exits().length];
    }
    for (int e = 0; e < exits.length; e++) {
      exits[e] += line.exits()[e];
    }
  }

  /** Returns a table of rows, as Markdown. */
  static String markdown(List<KindRow> rows, List<String> exitNames) {
    StringBuilder out = new StringBuilder("| kind | lines | bits per byte | false alarms |");
    for (Oddity oddity : Oddity.values()) {
      out.append(' ').append(oddity.title()).append(" |");
    }
    exitNames.forEach(name -> out.append(' ').append(name).append(" |"));
    out.append(" blocks run | arithmetic |\n|---");
    out.append("|---:".repeat(5 + Oddity.values().length + exitNames.size())).append("|\n");
    rows.forEach(row -> out.append(row.markdown()));
    return out.toString();
  }

  private String markdown() {
    StringBuilder out = new StringBuilder();
    out.append(
        String.format(
            Locale.ROOT,
            "| %s | %,d | %.2f | %.1f %% |",
            kind,
            lines,
            bits / bytes,
            100.0 * flagged / lines));
    for (Oddity oddity : Oddity.values()) {
      int[] counts = found.getOrDefault(oddity, new int[2]);
      out.append(
          counts[1] == 0 ? " – |" : " " + Math.round(100.0 * counts[0] / counts[1]) + " % |");
    }
    for (long left : exits) {
      out.append(String.format(Locale.ROOT, " %.0f %% |", 100.0 * left / bytes));
    }
    return out.append(
            String.format(
                Locale.ROOT,
                " %.2f | %.0f %% |%n",
                (double) blocksRun / bytes,
                100.0 * flops / fullFlops))
        .toString();
  }
}
