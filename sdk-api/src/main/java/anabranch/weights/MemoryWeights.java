package anabranch.weights;

import anabranch.error.WeightsException;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Parameter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** Tensors held on the heap. Thread-safe; closing releases nothing and is harmless. */
public final class MemoryWeights implements Weights {
  private final Map<String, Tensor> tensors;

  private MemoryWeights(Map<String, Tensor> tensors) {
    this.tensors = tensors;
  }

  /**
   * Returns the given tensors under their names.
   *
   * @throws WeightsException if two have the same name
   */
  public static MemoryWeights of(Collection<Tensor> tensors) {
    Map<String, Tensor> byName = new LinkedHashMap<>();
    for (Tensor tensor : tensors) {
      if (byName.put(tensor.name(), tensor) != null) {
        throw new WeightsException("tensor \"" + tensor.name() + "\" is given twice");
      }
    }
    return new MemoryWeights(byName);
  }

  /** Returns an fp32 tensor with the given numbers, which are copied. */
  public static Tensor tensor(String name, List<Integer> shape, float... values) {
    ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    return new Tensor(name, DType.F32, shape, data);
  }

  /**
   * Draws every parameter of a description: matrices and tables uniform with variance {@code 1/in},
   * norm scales around 1, biases around 0, so that hidden vectors keep their order of magnitude.
   */
  static MemoryWeights random(ModelSpec spec, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> byName = new LinkedHashMap<>();
    for (Parameter parameter : spec.parameters()) {
      List<Integer> shape = parameter.shape();
      boolean vector = shape.size() == 1;
      boolean scale = vector && parameter.name().endsWith("weight");
      double spread = vector ? 0.2 : Math.sqrt(3.0 / shape.get(shape.size() - 1));
      float[] values = new float[Math.toIntExact(parameter.elements())];
      for (int i = 0; i < values.length; i++) {
        double draw = (2 * random.nextDouble() - 1) * spread;
        values[i] = (float) (scale ? 1 + draw : draw);
      }
      byName.put(parameter.name(), tensor(parameter.name(), shape, values));
    }
    return new MemoryWeights(byName);
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  @Override
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw Missing.tensor(name, tensors.keySet());
    }
    return tensor;
  }

  @Override
  public void close() {}
}
