package anabranch.samples.alarm;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Fixes a level for each kind of text and judges lines by it. The level is the {@value #PERCENT}th
 * percentile of the oddness of lines that count as normal: those given by {@link #addNormal}, or,
 * for a kind that has fewer than {@value #LEAST_NORMAL} of them, those and the first lines to be
 * judged, {@value #LINES} together. It belongs to the input, not to a model, and never moves once
 * it is fixed.
 *
 * <p>Memory is bounded: at most {@value #MOST_KINDS} kinds are told apart, later ones share a level
 * under the name {@value #OTHERS}, and of each kind at most {@value #MOST_NORMAL} normal lines
 * count. Confined to one thread.
 */
public final class Levels {
  /** Which percentile of the normal lines is the level. */
  public static final int PERCENT = 99;

  /** How many lines fix the level of a kind for which too few lines were given as normal. */
  public static final int LINES = 1_000;

  /** The fewest normal lines that are enough: of fewer, the percentile is the oddest of all. */
  public static final int LEAST_NORMAL = 100;

  /** The most lines given as normal that count for one kind. */
  public static final int MOST_NORMAL = 10_000;

  /** The most kinds that are told apart. */
  public static final int MOST_KINDS = 64;

  /** The name of all kinds that come when there are {@link #MOST_KINDS} already. */
  public static final String OTHERS = "other endings";

  private final Map<String, State> kinds = new LinkedHashMap<>();
  private boolean judging;

  /**
   * Adds the oddness of a line that counts as normal.
   *
   * @throws IllegalStateException once a line was judged
   */
  public void addNormal(String kind, double oddness) {
    if (judging) {
      throw new IllegalStateException("a normal line came after the first line to be judged");
    }
    State state = state(kind);
    if (state.count < MOST_NORMAL) {
      state.keep(oddness);
      state.normalLines++;
    }
  }

  /** Judges the oddness of a line, the next one of its kind. */
  public Verdict judge(String kind, double oddness) {
    if (!judging) {
      judging = true;
      kinds.values().stream().filter(s -> s.normalLines >= LEAST_NORMAL).forEach(State::fix);
    }
    State state = state(kind);
    if (state.level.isEmpty()) {
      state.keep(oddness);
      state.inputLines++;
      if (state.count >= LINES) {
        state.fix();
      }
      return Verdict.BEFORE_LEVEL;
    }
    state.judged++;
    if (oddness > state.level.getAsDouble()) {
      state.flagged++;
      return Verdict.ODD;
    }
    return Verdict.USUAL;
  }

  /** Returns the state of each kind that was seen, in the order in which they came. */
  public List<KindLevel> byKind() {
    return kinds.entrySet().stream()
        .map(
            entry -> {
              State s = entry.getValue();
              return new KindLevel(
                  entry.getKey(), s.level, s.normalLines, s.inputLines, s.judged, s.flagged);
            })
        .toList();
  }

  private State state(String kind) {
    State known = kinds.get(kind);
    if (known != null) {
      return known;
    }
    String name = kinds.size() < MOST_KINDS - 1 ? kind : OTHERS;
    return kinds.computeIfAbsent(name, any -> new State());
  }

  private static final class State {
    double[] seen = new double[LEAST_NORMAL];
    int count;
    int normalLines;
    int inputLines;
    long judged;
    long flagged;
    OptionalDouble level = OptionalDouble.empty();

    void keep(double oddness) {
      if (count == seen.length) {
        seen = Arrays.copyOf(seen, 2 * seen.length);
      }
      seen[count++] = oddness;
    }

    void fix() {
      level = OptionalDouble.of(Percentile.of(Arrays.copyOf(seen, count), PERCENT));
      seen = new double[0];
    }
  }
}
