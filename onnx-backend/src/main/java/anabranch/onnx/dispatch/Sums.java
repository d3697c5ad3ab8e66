package anabranch.onnx.dispatch;

import anabranch.onnx.crew.Crew;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What the members that rows were sent to make of each row, added up where the result belongs and
 * in the order in which it is given, so that a row's sum has the same bits whatever its companions.
 * Confined to one call.
 */
public final class Sums {
  private final FloatBuffer into;
  private final float[] sum;
  private final float[] vector;
  private final int rows;
  private final int width;

  /** Starts with what is there. */
  private Sums(int rows, FloatBuffer into, int width) {
    this.into = into;
    this.rows = rows;
    this.width = width;
    sum = new float[width];
    vector = new float[width];
  }

  /** Returns the sums of rows whose experts are added up already. */
  public static Sums of(FloatBuffer into, int rows, int width) {
    return new Sums(rows, into, width);
  }

  /**
   * Returns the sums of what was made of all slots, each row's in the order of its slots; the crew
   * shares the rows.
   *
   * @param results by slot
   * @param weigh whether gates multiply them
   */
  public static Sums of(
      FloatBuffer into,
      Dispatch dispatch,
      FloatBuffer results,
      int width,
      boolean weigh,
      Crew crew) {
    int rows = dispatch.rows();
    int parts = Math.min(rows, crew.threads());
    crew.run(
        parts,
        part -> {
          int end = (int) ((part + 1L) * rows / parts);
          Sums own = new Sums(end, into, width);
          for (int row = (int) ((long) part * rows / parts); row < end; row++) {
            own.sum(dispatch, row, results, weigh);
          }
        });
    return new Sums(rows, into, width);
  }

  private void sum(Dispatch dispatch, int row, FloatBuffer results, boolean weigh) {
    Arrays.fill(sum, 0);
    for (int i = 0; i < dispatch.experts(row); i++) {
      int slot = dispatch.slot(row, i);
      results.get(slot * width, vector);
      addWeighted(weigh ? dispatch.gate(slot) : 1);
    }
    into.put(row * width, sum);
  }

  /** Starts with zeros. */
  public Sums(FloatBuffer into, int rows, int width) {
    this(rows, into, width);
    for (int row = 0; row < rows; row++) {
      into.put(row * width, sum);
    }
  }

  /**
   * Adds what was made of some slots, in their order.
   *
   * @param first the first slot
   * @param results of these slots, from the start
   * @param weigh whether gates multiply them
   */
  public void add(Dispatch dispatch, int first, int count, FloatBuffer results, boolean weigh) {
    for (int i = 0; i < count; i++) {
      int at = dispatch.row(first + i) * width;
      float weight = weigh ? dispatch.gate(first + i) : 1;
      results.get(i * width, vector);
      into.get(at, sum);
      addWeighted(weight);
      into.put(at, sum);
    }
  }

  private void addWeighted(float weight) {
    // Arrays with one index for both: what the compiler of the JVM makes vectors of.
    for (int c = 0; c < sum.length; c++) {
      sum[c] += weight * vector[c];
    }
  }

  /**
   * Adds what every row gets, and ends.
   *
   * @param constant for every row; empty for nothing
   * @param each for each row; null for nothing
   * @param residual what the sum is added to; null for nothing
   */
  public void finish(float[] constant, @Nullable FloatBuffer each, @Nullable FloatBuffer residual) {
    if (constant.length == 0 && each == null && residual == null) {
      return;
    }
    float[] none = new float[0];
    for (int row = 0; row < rows; row++) {
      into.get(row * width, sum);
      add(constant);
      add(vector(each, row, none));
      add(vector(residual, row, none));
      into.put(row * width, sum);
    }
  }

  private float[] vector(@Nullable FloatBuffer from, int row, float[] none) {
    if (from == null) {
      return none;
    }
    from.get(row * width, vector);
    return vector;
  }

  private void add(float[] numbers) {
    for (int c = 0; c < numbers.length; c++) {
      sum[c] += numbers[c];
    }
  }
}
