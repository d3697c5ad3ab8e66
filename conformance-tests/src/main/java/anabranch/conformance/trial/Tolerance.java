package anabranch.conformance.trial;

import anabranch.error.Bounds;

/**
 * How far a backend's numbers may be from exact ones.
 *
 * @param absolute the absolute part, from 0 to 0.2
 * @param relative the part relative to the root mean square of a row, from 0 to 0.2
 */
public record Tolerance(double absolute, double relative) {
  /** How many times the tolerance a decision must be away from the other side to count. */
  private static final double GUARD = 10;

  /** The most that either part may be (rule D8): beyond it, any number would do. */
  private static final double MOST = 0.2;

  /**
   * Checks the bounds.
   *
   * @throws anabranch.error.DescriptionException if a part is negative or above 0.2
   */
  public Tolerance {
    bounded("tolerance.absolute", absolute);
    bounded("tolerance.relative", relative);
  }

  private static void bounded(String field, double part) {
    Bounds.notNegative(field, part);
    Bounds.require(part <= MOST, field + " " + part + ", must be at most " + MOST, "D8");
  }

  /** Returns how far each number of a row may be from the expected row. */
  public double of(double[] row) {
    double square = 0;
    for (double value : row) {
      square += value * value / row.length;
    }
    return absolute + relative * Math.sqrt(square);
  }

  /** Returns how far one score or gate may be from the expected one. */
  public double of(double value) {
    return 4 * (absolute + relative * Math.max(1, Math.abs(value)));
  }

  /** Returns the width of the band around {@code value} in which a decision is excused. */
  public double guardBand(double value) {
    return GUARD * (absolute + relative * Math.max(1, Math.abs(value)));
  }
}
