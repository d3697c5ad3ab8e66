package anabranch.conformance.reference.part;

import anabranch.model.layer.Activation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The arithmetic that every part uses, in double precision. Stateless. */
public final class Arithmetic {
  private Arithmetic() {}

  /** Returns {@code weight * x + bias}; weight {@code [out, in]}, x {@code [in]}. */
  public static double[] project(double[][] weight, double @Nullable [] bias, double[] x) {
    double[] y = new double[weight.length];
    for (int o = 0; o < y.length; o++) {
      y[o] = dot(weight[o], x) + (bias == null ? 0 : bias[o]);
    }
    return y;
  }

  /** Returns the sum of the products of two vectors of one length. */
  public static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** Returns the element-wise sum. */
  public static double[] plus(double[] a, double[] b) {
    double[] sum = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      sum[i] = a[i] + b[i];
    }
    return sum;
  }

  /** Returns {@code factor * x}. */
  public static double[] times(double factor, double[] x) {
    double[] product = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      product[i] = factor * x[i];
    }
    return product;
  }

  /** Returns the mean of some vectors: their sum in list order, divided by their number. */
  public static double[] mean(List<double[]> vectors) {
    double[] sum = new double[vectors.get(0).length];
    for (double[] vector : vectors) {
      sum = plus(sum, vector);
    }
    for (int i = 0; i < sum.length; i++) {
      sum[i] /= vectors.size();
    }
    return sum;
  }

  /** Returns the index of the largest number, ties to the lower one. */
  public static int argmax(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Returns {@code exp(z - max z)}, divided by its sum. */
  public static double[] softmax(double[] z) {
    double most = Double.NEGATIVE_INFINITY;
    for (double value : z) {
      most = Math.max(most, value);
    }
    double[] p = new double[z.length];
    double sum = 0;
    for (int i = 0; i < z.length; i++) {
      p[i] = Math.exp(z[i] - most);
      sum += p[i];
    }
    for (int i = 0; i < z.length; i++) {
      p[i] /= sum;
    }
    return p;
  }

  /** Returns {@code 1 / (1 + exp(-z))}. */
  public static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  /** Returns {@code log(1 + exp(z))}. */
  public static double softplus(double z) {
    return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  }

  /** Returns the activation of one number. */
  public static double activate(Activation activation, double x) {
    return switch (activation) {
      case RELU -> Math.max(x, 0);
      case RELU_SQUARED -> Math.max(x, 0) * Math.max(x, 0);
      case GELU -> x * normalDistribution(x);
      case GELU_TANH ->
          x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))) / 2;
      case QUICK_GELU -> x * sigmoid(1.702 * x);
      case SILU -> x * sigmoid(x);
      case TANH -> Math.tanh(x);
    };
  }

  /** Returns the probability that a standard normal number is at most x. */
  static double normalDistribution(double x) {
    return 0.5 * complementaryError(-x / Math.sqrt(2));
  }

  /**
   * Returns {@code erfc(x)}: near 0 by {@code 1 - erf(x)} with the series of positive terms
   * (Abramowitz and Stegun, 7.1.6), further out by the continued fraction (7.1.14), evaluated from
   * a depth at which it has converged.
   */
  static double complementaryError(double x) {
    if (x < 0) {
      return 2 - complementaryError(-x);
    }
    if (x < 1) {
      double term = x;
      double sum = x;
      for (int n = 1; n < 100; n++) {
        term *= 2 * x * x / (2 * n + 1);
        sum += term;
      }
      return 1 - 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }
    double fraction = x;
    for (int n = 200; n >= 1; n--) {
      fraction = x + n / 2.0 / fraction;
    }
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
  }
}
