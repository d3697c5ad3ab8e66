package anabranch.onnx;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.BackendConformance;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The kit on products of 8 bits: the bits of batches as in fp32, numbers within what is said. */
class OnnxEightBitConformanceTest extends BackendConformance {
  private static final float STEPS = 64;

  @Override
  public Backend backend() {
    return new OnnxBackend();
  }

  @Override
  public LoadOptions options() {
    return OnnxOptions.defaults().withPrecision(Precision.INT8).into(LoadOptions.defaults());
  }

  /** Moves each number of a matrix that multiplies rows by half a step of its column. */
  @Override
  public Weights moved(Weights weights, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Tensor> moved = new ArrayList<>();
    for (String name : weights.names()) {
      Tensor tensor = weights.tensor(name);
      boolean product = name.endsWith(".weight") && tensor.shape().size() == 2;
      moved.add(product && !name.contains(".router") ? moved(tensor, random) : tensor);
    }
    return MemoryWeights.of(moved);
  }

  private static Tensor moved(Tensor tensor, SplittableRandom random) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.copyTo(FloatBuffer.wrap(values));
    int in = tensor.shape().get(1);
    for (int from = 0; from < values.length; from += in) {
      float most = 0;
      for (int i = from; i < from + in; i++) {
        most = Math.max(most, Math.abs(values[i]));
      }
      for (int i = from; i < from + in; i++) {
        values[i] += (random.nextBoolean() ? 0.5f : -0.5f) * most / STEPS;
      }
    }
    return MemoryWeights.tensor(tensor.name(), tensor.shape(), values);
  }
}
