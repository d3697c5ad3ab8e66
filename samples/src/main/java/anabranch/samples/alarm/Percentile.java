package anabranch.samples.alarm;

import java.util.Arrays;

/** Percentiles by the nearest rank: always one of the values. Stateless. */
final class Percentile {
  private Percentile() {}

  /**
   * Returns the smallest value that at least a share of all values do not exceed.
   *
   * @param values in any order, at least one; they stay as they are
   * @param percent in 1..100
   */
  static double of(double[] values, int percent) {
    if (values.length == 0) {
      throw new IllegalArgumentException("values is empty, a percentile needs at least 1");
    }
    if (percent < 1 || percent > 100) {
      throw new IllegalArgumentException("percent " + percent + " is not in 1..100");
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    long rank = ((long) percent * sorted.length + 99) / 100;
    return sorted[(int) rank - 1];
  }
}
