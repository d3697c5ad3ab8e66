package anabranch.samples.surprise;

import anabranch.samples.alarm.Kind;
import anabranch.samples.alarm.LevelTable;
import anabranch.samples.alarm.Levels;
import anabranch.samples.alarm.Oddness;
import anabranch.samples.alarm.Verdict;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;

/**
 * Flags the odd lines of a run, kind by kind, and keeps the oddest of them. It stands behind the
 * job, because what is flagged depends on the order of the lines; the job itself has no state.
 * Confined to one thread.
 */
public final class Alarms {
  /** How many flagged lines are kept at most, the oddest ones. */
  public static final int KEPT = 100;

  private static final Comparator<LineScore> BY_ODDNESS = Comparator.comparingDouble(Alarms::odd);

  private final Levels levels = new Levels();
  private final PriorityQueue<LineScore> oddest = new PriorityQueue<>(BY_ODDNESS);

  /** Adds a line that counts as normal; all of them come before the first line to be judged. */
  public void addNormal(LineScore line) {
    if (line.bytes() > 0) {
      levels.addNormal(Kind.of(line.source()), odd(line));
    }
  }

  /** Judges the next line; a blank one is usual. */
  public Verdict judge(LineScore line) {
    if (line.bytes() == 0) {
      return Verdict.USUAL;
    }
    Verdict verdict = levels.judge(Kind.of(line.source()), odd(line));
    if (verdict == Verdict.ODD) {
      oddest.add(line);
      if (oddest.size() > KEPT) {
        oddest.remove();
      }
    }
    return verdict;
  }

  /** Returns the flagged lines, the oddest first, at most {@link #KEPT}. */
  public List<LineScore> flagged() {
    List<LineScore> lines = new ArrayList<>(oddest);
    lines.sort(BY_ODDNESS.reversed());
    return lines;
  }

  /** Returns the levels by which lines were judged, and how many. */
  public Levels levels() {
    return levels;
  }

  /** Returns the table of kinds, and the oddest flagged lines, at most {@code shown} of them. */
  String report(int shown) {
    StringBuilder out = new StringBuilder(LevelTable.of(levels.byKind()));
    List<LineScore> flagged = flagged();
    if (!flagged.isEmpty()) {
      out.append("\nthe oddest flagged lines: their bits / (their bytes + ")
          .append(Oddness.EXTRA)
          .append(")\n");
    }
    for (LineScore line : flagged.subList(0, Math.min(shown, flagged.size()))) {
      out.append(
          String.format(
              Locale.ROOT,
              "  %5.2f  %s:%d  %s%n",
              odd(line),
              line.source(),
              line.number(),
              line.shown(Report.SHOWN).strip()));
    }
    return out.toString();
  }

  private static double odd(LineScore line) {
    return Oddness.of(line.bits(), line.bytes());
  }
}
