package anabranch.onnx.state;

import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of one sequence that queries may read.
 *
 * @param keys one after the other
 * @param values beside them
 * @param first the number of the first that may be read
 * @param count how many follow
 * @param positions of their rows, from the first on, and maybe more; ascending where rows stand for
 *     themselves
 * @param added to the scores of each, from the first on; null for nothing
 */
public record Keys(
    FloatBuffer keys,
    FloatBuffer values,
    int first,
    int count,
    int[] positions,
    float @Nullable [] added) {
  /** Creates keys to whose scores nothing is added. */
  public Keys(FloatBuffer keys, FloatBuffer values, int first, int count, int[] positions) {
    this(keys, values, first, count, positions, null);
  }

  /** Returns the same with numbers that are added to scores; null for nothing. */
  public Keys adding(float @Nullable [] numbers) {
    return new Keys(keys, values, first, count, positions, numbers);
  }
}
