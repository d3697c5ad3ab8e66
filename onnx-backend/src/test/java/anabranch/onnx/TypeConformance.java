package anabranch.onnx;

import anabranch.backend.LoadOptions;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The kit on products of one type, on the device that the system property {@code onnx.device} says
 * and with graphs as {@code onnx.graphs} says: numbers within what is said, and on a CPU the bits
 * of batches as in fp32.
 */
public abstract class TypeConformance extends PlanConformance {
  private final double half;

  /**
   * Takes a type.
   *
   * @param half half a step of its numbers next to 1
   */
  protected TypeConformance(Precision precision, double half) {
    super(
        OnnxOptions.defaults()
            .withDevice(Device.parse(System.getProperty("onnx.device", "cpu")))
            .withPrecision(precision));
    this.half = half;
  }

  @Override
  public LoadOptions options() {
    return super.options().with("onnx.graphs", System.getProperty("onnx.graphs", "measured"));
  }

  /** Moves each number of a matrix that multiplies rows by half a step of its type. */
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

  private Tensor moved(Tensor tensor, SplittableRandom random) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.copyTo(FloatBuffer.wrap(values));
    move(values, tensor.shape().get(1), random);
    return MemoryWeights.tensor(tensor.name(), tensor.shape(), values);
  }

  /** Moves the numbers of a matrix of so many inputs. */
  void move(float[] values, int in, SplittableRandom random) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= (float) (1 + (random.nextBoolean() ? half : -half));
    }
  }
}
