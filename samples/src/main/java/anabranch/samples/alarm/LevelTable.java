package anabranch.samples.alarm;

import java.util.List;
import java.util.Locale;

/** Words and a table for the levels of a run. Stateless. */
public final class LevelTable {
  private LevelTable() {}

  /** Returns one row for each kind: its level, what fixed it, and what was judged by it. */
  public static String of(List<KindLevel> kinds) {
    StringBuilder out =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "alarms: a line is flagged if its bits / (its bytes + %d) lie above the %dth"
                    + " percentile of its kind; the lines that fix it are never flagged%n",
                Oddness.EXTRA,
                Levels.PERCENT));
    for (KindLevel kind : kinds) {
      out.append(String.format(Locale.ROOT, "  %-12s ", kind.kind()))
          .append(row(kind))
          .append('\n');
    }
    return out.toString();
  }

  private static String row(KindLevel kind) {
    if (kind.level().isEmpty()) {
      return String.format(
          Locale.ROOT, "no level, nothing flagged: %s, %,d are needed", from(kind), Levels.LINES);
    }
    return String.format(
        Locale.ROOT,
        "level %.2f from %s; %,d judged, %,d flagged (%.1f %%)",
        kind.level().getAsDouble(),
        from(kind),
        kind.judged(),
        kind.flagged(),
        kind.judged() == 0 ? 0 : 100.0 * kind.flagged() / kind.judged());
  }

  private static String from(KindLevel kind) {
    String given = String.format(Locale.ROOT, "%,d given as normal", kind.normalLines());
    String first = String.format(Locale.ROOT, "the first %,d of the input", kind.inputLines());
    if (kind.normalLines() == 0) {
      return first;
    }
    return kind.inputLines() == 0 ? given : given + " and " + first;
  }
}
