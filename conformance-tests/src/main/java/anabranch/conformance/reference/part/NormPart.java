package anabranch.conformance.reference.part;

import anabranch.model.layer.Norm;
import org.jspecify.annotations.Nullable;

/** A norm with its weights, or none. */
public final class NormPart {
  private final @Nullable Norm norm;
  private final double[] weight;
  private final double[] bias;

  /** Reads the weights under {@code path}. */
  public NormPart(@Nullable Norm norm, String path, Parameters parameters) {
    this.norm = norm;
    weight = norm == null ? new double[0] : parameters.vector(path + ".weight");
    bias =
        norm instanceof Norm.Layer ? parameters.vector(path + ".bias") : new double[weight.length];
  }

  /** Returns the normalised vector, {@code [width]}; x itself where there is no norm. */
  public double[] of(double[] x) {
    if (norm == null) {
      return x;
    }
    double mean = 0;
    if (norm instanceof Norm.Layer) {
      for (double value : x) {
        mean += value / x.length;
      }
    }
    double square = 0;
    for (double value : x) {
      square += (value - mean) * (value - mean) / x.length;
    }
    double root = Math.sqrt(square + norm.epsilon());
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = (x[i] - mean) / root * weight[i] + bias[i];
    }
    return y;
  }
}
