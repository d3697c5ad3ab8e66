package anabranch.conformance.reference;

import static anabranch.conformance.reference.Arithmetic.project;
import static anabranch.conformance.reference.Arithmetic.softmax;

import anabranch.model.Attention;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An attention with its weights. */
final class AttentionPart {
  final String path;
  final boolean causal;
  private final Attention attention;
  private final Projection q;
  private final Projection k;
  private final Projection v;
  private final Projection o;

  private record Projection(double[][] weight, double @Nullable [] bias) {
    double[] of(double[] x) {
      return project(weight, bias, x);
    }
  }

  /**
   * What a row shows to others.
   *
   * @param key {@code [keyValueHeads * headWidth]}, rotated
   * @param value {@code [keyValueHeads * headWidth]}
   */
  record Shown(double[] key, double[] value) {}

  AttentionPart(Attention attention, String path, Parameters parameters) {
    this.attention = attention;
    this.path = path;
    causal = attention.mask() == Attention.Mask.CAUSAL;
    q = projection(path + ".q", parameters);
    k = projection(path + ".k", parameters);
    v = projection(path + ".v", parameters);
    o = projection(path + ".o", parameters);
  }

  private Projection projection(String at, Parameters parameters) {
    return new Projection(
        parameters.matrix(at + ".weight"),
        attention.bias() ? parameters.vector(at + ".bias") : null);
  }

  /** Returns the key and value of a row, from the vector the sublayer reads. */
  Shown show(double[] x, int position) {
    return new Shown(rotate(k.of(x), attention.keyValueHeads(), position), v.of(x));
  }

  /** Returns what a row reads from the rows it may see, {@code [width]}. */
  double[] read(double[] x, int position, List<Shown> visible) {
    int width = attention.headWidth();
    double[] query = rotate(q.of(x), attention.heads(), position); // [heads * width]
    double[] read = new double[attention.queryWidth()]; // [heads * width]
    int shared = attention.heads() / attention.keyValueHeads();
    for (int head = 0; head < attention.heads(); head++) {
      int mine = head * width;
      int theirs = head / shared * width;
      double[] scores = new double[visible.size()];
      for (int row = 0; row < scores.length; row++) {
        for (int i = 0; i < width; i++) {
          scores[row] += query[mine + i] * visible.get(row).key[theirs + i] / Math.sqrt(width);
        }
      }
      double[] weights = softmax(scores);
      for (int row = 0; row < weights.length; row++) {
        for (int i = 0; i < width; i++) {
          read[mine + i] += weights[row] * visible.get(row).value[theirs + i];
        }
      }
    }
    return o.of(read);
  }

  private double[] rotate(double[] x, int heads, int position) {
    Attention.Rotary rotary = attention.rotary();
    if (rotary == null) {
      return x;
    }
    double[] y = new double[x.length];
    int half = attention.headWidth() / 2;
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < half; i++) {
        double angle = position * Math.pow(rotary.base(), -(double) i / half);
        int a = head * attention.headWidth() + i;
        int b = a + half;
        y[a] = x[a] * Math.cos(angle) - x[b] * Math.sin(angle);
        y[b] = x[b] * Math.cos(angle) + x[a] * Math.sin(angle);
      }
    }
    return y;
  }
}
