package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.project;

import org.jspecify.annotations.Nullable;

/**
 * A linear map with its weights.
 *
 * @param weight {@code [out, in]}
 * @param bias {@code [out]}; null for none
 */
record Projection(double[][] weight, double @Nullable [] bias) {
  /** Reads the weights under {@code path}. */
  static Projection read(String path, boolean bias, Parameters parameters) {
    return new Projection(
        parameters.matrix(path + ".weight"), bias ? parameters.vector(path + ".bias") : null);
  }

  double[] of(double[] x) {
    return project(weight, bias, x);
  }
}
