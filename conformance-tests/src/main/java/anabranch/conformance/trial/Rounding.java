package anabranch.conformance.trial;

import anabranch.backend.Numerics;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/**
 * What rounding to the numbers of a backend may do to weights (rule D9). Stateless.
 *
 * <p>{@code fp32} moves every number by one step, and so does {@code fp64}, as weights and answers
 * are fp32 there as well. Narrower numbers move the matrices that multiply rows, outside of
 * routers, as far as the nearest number may be: {@code fp16} and {@code bf16} by half a step next
 * to 1, {@code int8} by half a 64th of the greatest number of a column. Tables of experts stay.
 */
public final class Rounding {
  private final Predicate<Tensor> moves;
  private final Step step;

  /** Moves one number. */
  private interface Step {
    float from(float value, float greatestOfColumn, boolean up);
  }

  private Rounding(Predicate<Tensor> moves, Step step) {
    this.moves = moves;
    this.step = step;
  }

  /**
   * Returns the rounding of the numbers that a loaded model declares.
   *
   * @throws IllegalArgumentException if nobody knows it for such numbers, naming those that are
   *     known
   */
  public static Rounding of(Numerics numerics) {
    return switch (numerics.type()) {
      case "fp64", "fp32" ->
          new Rounding(
              tensor -> !tensor.name().endsWith(".router.table"),
              (value, most, up) -> up ? Math.nextUp(value) : Math.nextDown(value));
      case "fp16" -> ofProducts((value, most, up) -> by(value, value * 0x1p-11, up));
      case "bf16" -> ofProducts((value, most, up) -> by(value, value * 0x1p-8, up));
      case "int8" -> ofProducts((value, most, up) -> by(value, most / 128.0, up));
      default ->
          throw new IllegalArgumentException(
              String.format(
                  "numerics.type \"%s\" is not one of fp64, fp32, fp16, bf16, int8: how far the"
                      + " rounding of its numbers carries is not known, so nothing can be judged"
                      + " by it (rule D9)",
                  numerics.type()));
    };
  }

  private static Rounding ofProducts(Step step) {
    return new Rounding(
        tensor ->
            tensor.name().endsWith(".weight")
                && !tensor.name().contains(".router")
                && tensor.shape().size() == 2,
        step);
  }

  private static float by(float value, double far, boolean up) {
    return (float) (value + (up ? far : -far));
  }

  /**
   * Returns weights of which each number differs from the given one as far as rounding may move it.
   *
   * @param seed draws the direction of each
   */
  public Weights moved(Weights weights, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Tensor> all = new ArrayList<>();
    for (String name : weights.names()) {
      Tensor tensor = weights.tensor(name);
      all.add(moves.test(tensor) ? moved(tensor, random) : tensor);
    }
    return MemoryWeights.of(all);
  }

  private Tensor moved(Tensor tensor, SplittableRandom random) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.copyTo(FloatBuffer.wrap(values));
    int in = tensor.shape().isEmpty() ? 1 : tensor.shape().get(tensor.shape().size() - 1);
    for (int from = 0; from < values.length; from += in) {
      float most = 0;
      for (int i = from; i < from + in; i++) {
        most = Math.max(most, Math.abs(values[i]));
      }
      for (int i = from; i < from + in; i++) {
        values[i] = step.from(values[i], most, random.nextBoolean());
      }
    }
    return MemoryWeights.tensor(tensor.name(), tensor.shape(), values);
  }
}
