package anabranch.conformance.trial;

import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Weights that differ from given ones by as little as fp32 can say. Stateless. */
final class Nudge {
  private Nudge() {}

  /** Moves each number by one fp32 step, up or down as a seed says; tables of experts stay. */
  static Weights of(Weights weights, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Tensor> moved = new ArrayList<>();
    for (String name : weights.names()) {
      Tensor tensor = weights.tensor(name);
      float[] values = new float[Math.toIntExact(tensor.elements())];
      tensor.copyTo(FloatBuffer.wrap(values));
      if (!name.endsWith(".router.table")) {
        for (int i = 0; i < values.length; i++) {
          values[i] = random.nextBoolean() ? Math.nextUp(values[i]) : Math.nextDown(values[i]);
        }
      }
      moved.add(MemoryWeights.tensor(name, tensor.shape(), values));
    }
    return MemoryWeights.of(moved);
  }
}
