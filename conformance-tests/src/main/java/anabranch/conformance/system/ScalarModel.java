package anabranch.conformance.system;

import anabranch.model.layer.Bypass;

/**
 * A stack of causal layers over single numbers, computed directly: attention of one head whose
 * queries are zero, so that it reads the plain mean of what it sees, or a state space of one
 * channel. Rows leave behind a given number of layers.
 */
final class ScalarModel {
  /** The weights of the state space, in the order of {@link #recur}. */
  static final double[] SPACE = {1.5, 0.75, 0.5, 1.25, -0.5, 0.25, 0.1, -0.3, 0.6, 0.8};

  private ScalarModel() {}

  /**
   * Returns the numbers with which rows leave.
   *
   * @param start the numbers that come in
   * @param depth how many layers each row runs
   * @param layers how many there are
   * @param mode what a row that has left shows to those behind it
   */
  static double[] attention(double[] start, int[] depth, int layers, Bypass mode) {
    int rows = start.length;
    double[] x = start.clone();
    double[] shown = new double[rows];
    double[] left = start.clone();
    for (int layer = 0; layer < layers; layer++) {
      boolean[] sees = new boolean[rows];
      for (int r = 0; r < rows; r++) {
        boolean runs = layer < depth[r] || mode == Bypass.DEFER_RECOMPUTE;
        sees[r] = runs || mode != Bypass.MASK;
        shown[r] = runs || mode == Bypass.FREEZE_PROJECT ? x[r] : shown[r];
      }
      double[] next = x.clone();
      for (int r = 0; r < rows; r++) {
        if (layer < depth[r] || mode == Bypass.DEFER_RECOMPUTE) {
          double sum = 0;
          int count = 0;
          for (int other = 0; other <= r; other++) {
            sum += sees[other] ? shown[other] : 0;
            count += sees[other] ? 1 : 0;
          }
          next[r] = x[r] + sum / count;
        }
        if (layer < depth[r]) {
          left[r] = next[r];
        }
      }
      x = next;
    }
    return left;
  }

  /**
   * Returns the numbers with which rows leave a stack of state spaces.
   *
   * @param updates whether a row that has left still changes the states behind it
   */
  static double[] recurrence(double[] start, int[] depth, int layers, boolean updates) {
    double[] x = start.clone();
    for (int layer = 0; layer < layers; layer++) {
      double state = 0;
      for (int r = 0; r < x.length; r++) {
        if (layer < depth[r] || updates) {
          double[] step = recur(x[r], state);
          state = step[0];
          x[r] += layer < depth[r] ? step[1] : 0;
        }
      }
    }
    return x;
  }

  /** Returns the next state, and what is added to the row. */
  static double[] recur(double x, double state) {
    double[] w = SPACE;
    double u = silu(w[0] * x);
    double z = w[1] * x;
    double step = Math.log1p(Math.exp(w[5] * (w[2] * u) + w[6]));
    double next = Math.exp(-step * Math.exp(w[7])) * state + step * (w[3] * u) * u;
    double y = w[4] * u * next + w[8] * u;
    return new double[] {next, w[9] * y * silu(z)};
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  /** Gives a model attention that reads means at a path. */
  static Tiny mean(Tiny tiny, String path) {
    return tiny.give(path + ".v.weight", 1).give(path + ".o.weight", 1);
  }

  /** Gives a model the state space at a path. */
  static Tiny space(Tiny tiny, String path) {
    float[] w = new float[SPACE.length];
    for (int i = 0; i < w.length; i++) {
      w[i] = (float) SPACE[i];
    }
    return tiny.give(path + ".in.weight", w[0], w[1])
        .give(path + ".convolution.weight", 1)
        .give(path + ".project.weight", w[2], w[3], w[4])
        .give(path + ".step.weight", w[5])
        .give(path + ".step.bias", w[6])
        .give(path + ".a", w[7])
        .give(path + ".d", w[8])
        .give(path + ".out.weight", w[9]);
  }
}
