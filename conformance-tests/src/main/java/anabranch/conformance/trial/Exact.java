package anabranch.conformance.trial;

import static org.junit.jupiter.api.Assertions.fail;

import anabranch.conformance.reference.Verdict;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;

/**
 * The exact numbers of one sequence. A number beyond the tolerance still passes where the exact
 * numbers themselves move about as far when every weight moves by one step of the backend's numbers
 * (rule D9).
 */
final class Exact {
  /** How many times their own shift numbers may be off: fp32 rounds more than the weights. */
  private static final double MULTIPLE = 8;

  /** How many times the tolerance no number may be off, whatever its shift is. */
  private static final double MOST = 20;

  final Verdict verdict;
  private final Tolerance tolerance;
  private final Supplier<List<Verdict>> moved;

  /**
   * Creates the numbers of one sequence.
   *
   * @param moved what comes out with moved weights; asked for only where the tolerance is not
   *     enough
   */
  Exact(Verdict verdict, Tolerance tolerance, Supplier<List<Verdict>> moved) {
    this.verdict = verdict;
    this.tolerance = tolerance;
    this.moved = moved;
  }

  /** Fails unless a number is near the exact one. */
  void near(String what, ToDoubleFunction<Verdict> number, float actual) {
    double exact = number.applyAsDouble(verdict);
    double usual = tolerance.of(exact);
    if (!(Math.abs(exact - actual) <= usual)) {
      double shift = 0;
      for (Verdict other : moved.get()) {
        shift = Math.max(shift, Math.abs(number.applyAsDouble(other) - exact));
      }
      double allowed = allowed(usual, shift);
      if (!(Math.abs(exact - actual) <= allowed)) {
        fail(what + " is " + actual + " instead of " + exact + within(allowed, shift));
      }
    }
  }

  private static String within(double allowed, double shift) {
    return " +- " + allowed + "; one step of the weights shifts it by " + shift;
  }

  /** Fails unless a label is the exact one, or one that moved weights give. */
  void label(String what, ToIntFunction<Verdict> label, int actual) {
    int exact = label.applyAsInt(verdict);
    if (exact != actual && moved.get().stream().noneMatch(v -> label.applyAsInt(v) == actual)) {
      fail(what + " is " + actual + " instead of " + exact);
    }
  }

  /** Fails unless a row is near the exact one. */
  void close(String what, Function<Verdict, double[]> row, float[] actual) {
    double[] exact = row.apply(verdict);
    double usual = tolerance.of(exact);
    if (!(distance(exact, actual) <= usual)) {
      double shift = 0;
      for (Verdict other : moved.get()) {
        double[] there = row.apply(other);
        for (int i = 0; i < exact.length; i++) {
          shift = Math.max(shift, Math.abs(there[i] - exact[i]));
        }
      }
      double allowed = allowed(usual, shift);
      if (!(distance(exact, actual) <= allowed)) {
        fail(
            what
                + " are "
                + Arrays.toString(actual)
                + " instead of "
                + Arrays.toString(exact)
                + within(allowed, shift));
      }
    }
  }

  /** Returns the largest difference of two rows; NaN where there is one. */
  static double distance(double[] exact, float[] actual) {
    double most = 0;
    for (int i = 0; i < exact.length; i++) {
      most = Math.max(most, Math.abs(exact[i] - actual[i]));
    }
    return most;
  }

  private static double allowed(double usual, double shift) {
    return Math.min(MOST * usual, Math.max(usual, MULTIPLE * shift));
  }
}
