package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.project;
import static anabranch.conformance.reference.part.Arithmetic.softmax;

import anabranch.model.layer.Attention;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An attention with its weights, for one row that asks and those that it may see. */
public final class AttentionPart {
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
  public record Shown(double[] key, double[] value) {}

  /**
   * What a row read.
   *
   * @param result {@code [width]}
   * @param probabilities {@code [visible]}: what each visible row was given, the mean over heads
   */
  public record Read(double[] result, double[] probabilities) {}

  /** Reads the weights under {@code path}. */
  public AttentionPart(Attention attention, String path, Parameters parameters) {
    this.attention = attention;
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

  /** Returns which rows a row may see. */
  public Attention.Mask mask() {
    return attention.mask();
  }

  /** Returns the key and value of a row, from the vector the operation reads. */
  public Shown show(double[] x, int position) {
    return new Shown(rotate(k.of(x), attention.keyValueHeads(), position), v.of(x));
  }

  /** Returns what a row reads from the rows it may see. */
  public Read read(double[] x, int position, List<Shown> visible) {
    int width = attention.headWidth();
    double[] query = rotate(q.of(x), attention.heads(), position); // [heads * width]
    double[] read = new double[attention.queryWidth()]; // [heads * width]
    double[] given = new double[visible.size()];
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
        given[row] += weights[row] / attention.heads();
        for (int i = 0; i < width; i++) {
          read[mine + i] += weights[row] * visible.get(row).value[theirs + i];
        }
      }
    }
    return new Read(o.of(read), given);
  }

  /** Rule A8: element i of the halves turns by {@code position * base^(-i/n)} radians. */
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
