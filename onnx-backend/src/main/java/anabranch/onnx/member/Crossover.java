package anabranch.onnx.member;

/**
 * When experts run faster as one graph than each on its own: where many of them have rows, and each
 * of these only few. Stateless.
 *
 * <p>Measured on one core of an AMD EPYC with AVX2 and ONNX Runtime 1.28.0, gathering and adding up
 * included, caches full of other numbers before each call. How many times as fast all experts in
 * one graph were, for 64 experts of 512 x 256 and, behind the stroke, 8 of 512 x 2048:
 *
 * <pre>
 * experts that have rows    1 row each      4              16             64
 * 1 of 8                    0.91 / 0.95     0.90 / 0.96    0.88 / 0.97    0.95 / 0.99
 * 2 of 8                    1.00 / 1.05     1.00 / 1.02    0.98 / 1.02    0.95 / 1.00
 * 3 of 8                    1.07 / 1.04     1.05 / 1.04    1.00 / 1.01    0.98 / 1.01
 * 4 of 8                    1.14 / 1.06     1.07 / 1.05    1.03 / 1.02    0.98 / 1.01
 * 6 of 8                    1.14 / 1.07     1.10 / 1.10    1.01 / 1.03    0.98 / 1.03
 * all                       1.15 / 1.07     1.16 / 1.08    1.03 / 1.03    0.99 / 1.01
 * </pre>
 */
final class Crossover {
  private static final int SHARES = 8;

  /** The most rows of an expert that has any, on average, by eighths of experts that have. */
  private static final int[] MOST_ROWS = {0, 0, 0, 4, 16, 16, 16, 16, 16};

  private Crossover() {}

  /**
   * Returns whether one graph is faster.
   *
   * @param experts how many there are
   * @param busy how many of them have rows
   * @param rows of all of them
   */
  static boolean together(int experts, int busy, int rows) {
    return rows <= (long) busy * MOST_ROWS[SHARES * busy / experts] && rows > 0;
  }
}
