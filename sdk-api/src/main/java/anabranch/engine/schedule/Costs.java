package anabranch.engine.schedule;

import java.util.Arrays;

/**
 * What batches of each step took, by their size: moving means over sizes between powers of two,
 * made monotone. It decides about order and time alone. Confined to one thread at a time.
 */
public final class Costs {
  /** How many batches of a size are seen before it counts. */
  static final int ENOUGH = 3;

  private static final double NEWEST = 0.2;

  private final double slack;
  private final double[][] nanos;
  private final double[][] rows;
  private final int[][] seen;
  private final int[] efficient;
  private final double[] longest;
  private double longestOfAll;
  private boolean merging;

  /**
   * Creates costs of which nothing is known.
   *
   * @param slack by what share a row of an efficient batch may cost more than one of the cheapest
   */
  public Costs(int steps, double slack) {
    this.slack = slack;
    nanos = new double[steps][32];
    rows = new double[steps][32];
    seen = new int[steps][32];
    efficient = new int[steps];
    longest = new double[steps];
    Arrays.fill(efficient, 1);
  }

  /** Takes over what a batch took. */
  public void took(int step, int count, long time) {
    if (count < 1) {
      return;
    }
    int size = 31 - Integer.numberOfLeadingZeros(count);
    double share = Math.max(NEWEST, 1.0 / ++seen[step][size]);
    nanos[step][size] += share * (time - nanos[step][size]);
    rows[step][size] += share * (count - rows[step][size]);
    efficient[step] = smallest(step);
    longest[step] = most(nanos[step]);
    longestOfAll = most(longest);
    boolean some = false;
    for (int least : efficient) {
      some |= least > 2;
    }
    merging = some;
  }

  private static double most(double[] times) {
    double most = 0;
    for (double time : times) {
      most = Math.max(most, time);
    }
    return most;
  }

  /**
   * Returns the rows from which on a batch is efficient: the fewest that cost each no more than the
   * cheapest, and the slack. 1 while fewer than two sizes are known.
   */
  public int efficientRows(int step) {
    return efficient[step];
  }

  /** Returns whether waiting for others can pay: some step wants more than two rows at once. */
  boolean merging() {
    return merging;
  }

  /** Returns the nanoseconds of all steps from one on, each at its longest size of batch. */
  public long remaining(int step) {
    double sum = 0;
    for (int each = step; each < longest.length; each++) {
      sum += longest[each];
    }
    return (long) sum;
  }

  /** Returns the nanoseconds of the longest size of batch of any step; 0 while none is known. */
  public long longest() {
    return (long) longestOfAll;
  }

  private int smallest(int step) {
    int known = 0;
    double least = Double.POSITIVE_INFINITY;
    double cost = 0;
    double[] each = new double[32];
    for (int size = 0; size < 32; size++) {
      if (seen[step][size] >= ENOUGH) {
        known++;
        cost = Math.max(cost, nanos[step][size]);
        each[size] = cost / rows[step][size];
        least = Math.min(least, each[size]);
      }
    }
    for (int size = 0; known > 1 && size < 32; size++) {
      if (seen[step][size] >= ENOUGH && each[size] <= (1 + slack) * least) {
        return Math.max(1, (int) Math.ceil(rows[step][size]));
      }
    }
    return 1;
  }
}
