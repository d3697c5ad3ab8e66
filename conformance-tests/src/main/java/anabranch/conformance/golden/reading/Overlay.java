package anabranch.conformance.golden.reading;

import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Weights with some tensors replaced, in whatever shape; those below are not closed. */
final class Overlay implements Weights {
  private final Weights below;
  private final Map<String, Tensor> replaced = new LinkedHashMap<>();

  Overlay(Weights below) {
    this.below = below;
  }

  /** Replaces a tensor. */
  void put(String name, List<Integer> shape, float... values) {
    replaced.put(name, MemoryWeights.tensor(name, shape, values));
  }

  /** Returns the numbers of a tensor below. */
  static float[] values(Weights weights, String name) {
    Tensor tensor = weights.tensor(name);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.copyTo(FloatBuffer.wrap(values));
    return values;
  }

  @Override
  public Set<String> names() {
    return below.names();
  }

  @Override
  public Tensor tensor(String name) {
    Tensor mine = replaced.get(name);
    return mine == null ? below.tensor(name) : mine;
  }

  @Override
  public void close() {}
}
