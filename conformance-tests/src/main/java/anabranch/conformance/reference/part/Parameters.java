package anabranch.conformance.reference.part;

import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;

/** Reads weights as double arrays. */
public final class Parameters {
  private final Weights weights;

  /** Creates a reader; the weights stay open while it is used. */
  public Parameters(Weights weights) {
    this.weights = weights;
  }

  /** Returns a vector {@code [length]}. */
  public double[] vector(String name) {
    Tensor tensor = weights.tensor(name);
    FloatBuffer numbers = FloatBuffer.allocate(Math.toIntExact(tensor.elements()));
    tensor.copyTo(numbers);
    double[] vector = new double[numbers.capacity()];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = numbers.get(i);
    }
    return vector;
  }

  /** Returns a matrix {@code [out, in]}, or a table {@code [rows, width]}. */
  public double[][] matrix(String name) {
    int out = weights.tensor(name).shape().get(0);
    int in = weights.tensor(name).shape().get(1);
    double[] numbers = vector(name);
    double[][] matrix = new double[out][in];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        matrix[o][i] = numbers[o * in + i];
      }
    }
    return matrix;
  }
}
