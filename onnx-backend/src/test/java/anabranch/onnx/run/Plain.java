package anabranch.onnx.run;

import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.Arrays;

/** Layers in double precision, one row at a time, as their definitions say. */
final class Plain {
  private final Weights weights;

  Plain(Weights weights) {
    this.weights = weights;
  }

  double[] vector(String name) {
    Tensor tensor = weights.tensor(name);
    float[] values = new float[(int) tensor.elements()];
    tensor.copyTo(FloatBuffer.wrap(values));
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  /** Returns one row of a table. */
  double[] look(String name, int row, int width) {
    return Arrays.copyOfRange(vector(name), row * width, (row + 1) * width);
  }

  double[] linear(String path, boolean bias, double[] x) {
    double[] matrix = vector(path + ".weight");
    double[] sum = bias ? vector(path + ".bias") : new double[matrix.length / x.length];
    for (int o = 0; o < sum.length; o++) {
      for (int i = 0; i < x.length; i++) {
        sum[o] += matrix[o * x.length + i] * x[i];
      }
    }
    return sum;
  }

  double[] rms(String path, double[] x) {
    double[] scale = vector(path + ".weight");
    double square = 0;
    for (double value : x) {
      square += value * value / x.length;
    }
    double[] y = new double[x.length];
    for (int c = 0; c < y.length; c++) {
      y[c] = x[c] / Math.sqrt(square + 1e-5) * scale[c];
    }
    return y;
  }

  double[] layer(String path, double[] x) {
    double[] scale = vector(path + ".weight");
    double[] bias = vector(path + ".bias");
    double mean = Arrays.stream(x).sum() / x.length;
    double variance = 0;
    for (double value : x) {
      variance += (value - mean) * (value - mean) / x.length;
    }
    double[] y = new double[x.length];
    for (int c = 0; c < y.length; c++) {
      y[c] = (x[c] - mean) / Math.sqrt(variance + 1e-5) * scale[c] + bias[c];
    }
    return y;
  }

  /** Rotates each head's halves against each other. */
  static void rotate(double[] x, int headWidth, int position, double base) {
    int half = headWidth / 2;
    for (int head = 0; head < x.length; head += headWidth) {
      for (int i = 0; i < half; i++) {
        double angle = position * Math.pow(base, -(double) i / half);
        double a = x[head + i];
        double b = x[head + half + i];
        x[head + i] = a * Math.cos(angle) - b * Math.sin(angle);
        x[head + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  }

  /** Returns the answer of one query over the first {@code count} keys. */
  static double[] attend(double[] q, double[][] k, double[][] v, int count, int heads, int width) {
    double[] result = new double[q.length];
    int shared = heads * width / k[0].length;
    for (int h = 0; h < heads; h++) {
      int from = h / shared * width;
      double[] weight = new double[count];
      double sum = 0;
      for (int t = 0; t < count; t++) {
        double score = 0;
        for (int c = 0; c < width; c++) {
          score += q[h * width + c] * k[t][from + c];
        }
        weight[t] = Math.exp(score / Math.sqrt(width));
        sum += weight[t];
      }
      for (int t = 0; t < count; t++) {
        for (int c = 0; c < width; c++) {
          result[h * width + c] += weight[t] / sum * v[t][from + c];
        }
      }
    }
    return result;
  }

  static void add(double[] to, double[] more) {
    for (int c = 0; c < to.length; c++) {
      to[c] += more[c];
    }
  }
}
