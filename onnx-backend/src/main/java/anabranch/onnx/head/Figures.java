package anabranch.onnx.head;

import java.nio.FloatBuffer;

/** Numbers of vectors that the host computes, in double precision. Stateless. */
final class Figures {
  private Figures() {}

  /** Returns {@code m + ln A - sum(z e^(z-m)) / A} with m = max z and A = sum e^(z-m). */
  static double entropy(float[] z) {
    double max = Double.NEGATIVE_INFINITY;
    for (float value : z) {
      max = Math.max(max, value);
    }
    double sum = 0;
    double weighed = 0;
    for (float value : z) {
      double power = Math.exp(value - max);
      sum += power;
      weighed += power == 0 ? 0 : (value - max) * power;
    }
    return Math.log(sum) - weighed / sum;
  }

  /** Returns the index of the largest number; the lowest of several. */
  static int best(FloatBuffer numbers, int from, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) {
      if (numbers.get(from + i) > numbers.get(from + best)) {
        best = i;
      }
    }
    return best;
  }

  /** Returns the cosine between two vectors; 0 where one is zero. */
  static double cosine(FloatBuffer a, FloatBuffer b, int length) {
    double product = 0;
    double left = 0;
    double right = 0;
    for (int i = 0; i < length; i++) {
      double x = a.get(i);
      double y = b.get(i);
      product += x * y;
      left += x * x;
      right += y * y;
    }
    return left == 0 || right == 0 ? 0 : product / (Math.sqrt(left) * Math.sqrt(right));
  }
}
