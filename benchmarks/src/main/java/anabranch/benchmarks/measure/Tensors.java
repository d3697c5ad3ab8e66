package anabranch.benchmarks.measure;

import anabranch.model.ModelSpec;
import anabranch.model.layer.Parameter;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;

/** Numbers of tensors, and what the plainest loops make of them. Stateless. */
public final class Tensors {
  private Tensors() {}

  /**
   * Returns the tensors that a description needs, out of weights that may have more and stay open.
   */
  public static Weights part(Weights all, ModelSpec spec) {
    return MemoryWeights.of(
        spec.parameters().stream().map(Parameter::name).map(all::tensor).toList());
  }

  /** Returns the numbers of a tensor. */
  public static float[] numbers(Weights weights, String name) {
    float[] numbers = new float[Math.toIntExact(weights.tensor(name).elements())];
    weights.tensor(name).copyTo(FloatBuffer.wrap(numbers));
    return numbers;
  }

  /** Returns the logits of a head with a root-mean-square norm and no bias, for one row. */
  public static double[] head(Weights weights, String path, float[] row, double epsilon) {
    float[] scale = numbers(weights, path + ".norm.weight");
    float[] matrix = numbers(weights, path + ".weight");
    double square = 0;
    for (float x : row) {
      square += (double) x * x;
    }
    double factor = 1 / Math.sqrt(square / row.length + epsilon);
    double[] logits = new double[matrix.length / row.length];
    for (int i = 0; i < matrix.length; i++) {
      int c = i % row.length;
      logits[i / row.length] += row[c] * factor * scale[c] * matrix[i];
    }
    return logits;
  }
}
