package anabranch.benchmarks.measure;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * How many times as good one side is as another, with an interval, against a goal. Immutable.
 *
 * @param name of the finding
 * @param ratio the median over rounds of which each compares the sides
 * @param low the lower end of the interval that holds 95 % of medians of rounds drawn anew
 * @param high its upper end
 * @param goal the least that is wanted; NaN for none
 * @param floor what the kernels alone would allow; NaN where nobody asked
 * @param counts whether it was measured where the goal is meant; elsewhere it is a rehearsal
 */
public record Finding(
    String name, double ratio, double low, double high, double goal, double floor, boolean counts) {
  /** The share of a floor below the goal that has to be reached. */
  static final double OF_FLOOR = 0.97;

  private static final int DRAWS = 2000;

  /** Returns the finding of some rounds, without a goal. */
  public static Finding of(String name, double[] ratios) {
    double[] medians = new double[DRAWS];
    SplittableRandom random = new SplittableRandom(1);
    double[] drawn = new double[ratios.length];
    for (int draw = 0; draw < DRAWS; draw++) {
      Arrays.setAll(drawn, i -> ratios[random.nextInt(ratios.length)]);
      medians[draw] = Contest.median(drawn);
    }
    Arrays.sort(medians);
    return new Finding(
        name,
        Contest.median(ratios),
        medians[DRAWS / 40],
        medians[DRAWS - 1 - DRAWS / 40],
        Double.NaN,
        Double.NaN,
        true);
  }

  /** Returns this finding with the least that is wanted. */
  public Finding atLeast(double wanted) {
    return new Finding(name, ratio, low, high, wanted, floor, counts);
  }

  /** Returns this finding turned round, with the most that is wanted. */
  public Finding atMost(double wanted) {
    return new Finding(
        name + " turned round", 1 / ratio, 1 / high, 1 / low, 1 / wanted, floor, counts);
  }

  /** Returns this finding with what the kernels alone would allow. */
  public Finding withFloor(double allowed) {
    return new Finding(name, ratio, low, high, goal, allowed, counts);
  }

  /** Returns this finding as one of a rehearsal: whatever its ratio, nothing was measured. */
  public Finding rehearsed() {
    return new Finding(name, ratio, low, high, goal, floor, false);
  }

  /** Returns pass, fail, unclear or, in a rehearsal, unmeasured; nothing without a goal. */
  public String verdict() {
    if (Double.isNaN(goal)) {
      return "";
    } else if (!counts) {
      return "unmeasured";
    }
    double wanted = floor < goal ? OF_FLOOR * floor : goal;
    return low >= wanted ? "pass" : high < wanted ? "fail" : "unclear";
  }

  @Override
  public String toString() {
    String line = String.format(Locale.ROOT, "%s ratio=%.3f [%.3f..%.3f]", name, ratio, low, high);
    line += Double.isNaN(goal) ? "" : String.format(Locale.ROOT, " goal=%.3f", goal);
    line += Double.isNaN(floor) ? "" : String.format(Locale.ROOT, " floor=%.3f", floor);
    return line + (verdict().isEmpty() ? "" : " " + verdict());
  }
}
