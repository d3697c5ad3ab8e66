package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.project;
import static anabranch.conformance.reference.part.Arithmetic.softmax;

import anabranch.model.layer.Attention;
import anabranch.model.layer.Norm;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An attention with its weights, for one row that asks and those that it may see. */
public final class AttentionPart {
  private final Attention attention;
  private final Projection q;
  private final Projection k;
  private final Projection v;
  private final Projection o;
  private final NormPart queryNorm;
  private final NormPart keyNorm;

  /** {@code [heads]}. */
  private final double @Nullable [] sinks;

  /** {@code [buckets, heads]}. */
  private final double[] @Nullable [] distances;

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
    Attention.Bias bias = attention.bias();
    q = projection(path + ".q", bias != Attention.Bias.NONE, parameters);
    k = projection(path + ".k", bias != Attention.Bias.NONE, parameters);
    v = projection(path + ".v", bias != Attention.Bias.NONE, parameters);
    o = projection(path + ".o", bias == Attention.Bias.ALL, parameters);
    Norm norm = attention.norm() == null ? null : attention.norm().norm();
    queryNorm = new NormPart(norm, path + ".q.norm", parameters);
    keyNorm = new NormPart(norm, path + ".k.norm", parameters);
    Attention.Scores scores = attention.scores();
    boolean sunk = scores != null && scores.sinks();
    boolean far = scores != null && scores.distances() != null;
    sinks = sunk ? parameters.vector(path + ".sinks") : null;
    distances = far ? parameters.matrix(path + ".distances") : null;
  }

  private static Projection projection(String at, boolean bias, Parameters parameters) {
    return new Projection(
        parameters.matrix(at + ".weight"), bias ? parameters.vector(at + ".bias") : null);
  }

  /** Returns the key and value of a row, from the vector the operation reads. */
  public Shown show(double[] x, int position) {
    double[] key = clipped(normed(keyNorm, k.of(x)));
    return new Shown(rotated(key, position), clipped(v.of(x)));
  }

  /** Returns what a row reads from rows of a memory, or where distances do not matter. */
  public Read read(double[] x, int position, List<Shown> visible) {
    return read(x, position, visible, visible.stream().map(row -> position).toList());
  }

  /** Returns what a row reads from the rows it may see, and their positions. */
  public Read read(double[] x, int position, List<Shown> visible, List<Integer> positions) {
    int width = attention.headWidth();
    double[] asked = clipped(normed(queryNorm, q.of(x)));
    double[] query = rotated(asked, position); // [heads * width]
    double[] read = new double[attention.queryWidth()]; // [heads * width]
    double[] given = new double[visible.size()];
    int shared = attention.heads() / attention.keyValueHeads();
    for (int head = 0; head < attention.heads(); head++) {
      int mine = head * width;
      int theirs = head / shared * width;
      double[] scores = new double[visible.size()];
      for (int row = 0; row < scores.length; row++) {
        for (int i = 0; i < width; i++) {
          scores[row] += query[mine + i] * visible.get(row).key[theirs + i] * scale();
        }
      }
      for (int row = 0; row < scores.length; row++) {
        scores[row] += near(head, positions.get(row) - position);
      }
      double[] weights = weights(head, scores);
      for (int row = 0; row < scores.length; row++) {
        given[row] += weights[row] / attention.heads();
        for (int i = 0; i < width; i++) {
          read[mine + i] += weights[row] * visible.get(row).value[theirs + i];
        }
      }
    }
    return new Read(o.of(read), given);
  }

  /** Rule A21: the sink of a head takes its part of the softmax; the others follow beside it. */
  private double[] weights(int head, double[] scores) {
    if (sinks == null) {
      return softmax(scores);
    }
    double[] all = Arrays.copyOf(scores, scores.length + 1);
    all[scores.length] = sinks[head];
    return softmax(all);
  }

  /** Rule A22: what is added for a key so many positions behind the query. */
  private double near(int head, int behind) {
    Attention.Scores scores = attention.scores();
    return distances == null || scores == null || scores.distances() == null
        ? 0
        : distances[scores.distances().bucket(behind)][head];
  }

  private double scale() {
    Attention.Scores scores = attention.scores();
    return scores == null || scores.scale() == null
        ? 1 / Math.sqrt(attention.headWidth())
        : scores.scale();
  }

  /** Rule A19: the numbers of each head, or those of all heads, are normed together. */
  private double[] normed(NormPart norm, double[] x) {
    Attention.QueryKeyNorm described = attention.norm();
    if (described == null || described.over() == Attention.QueryKeyNorm.Over.ALL) {
      return norm.of(x);
    }
    double[] y = new double[x.length];
    int width = attention.headWidth();
    for (int from = 0; from < x.length; from += width) {
      double[] head = norm.of(Arrays.copyOfRange(x, from, from + width));
      System.arraycopy(head, 0, y, from, width);
    }
    return y;
  }

  private double[] clipped(double[] x) {
    Double most = attention.clip();
    return most == null
        ? x
        : Arrays.stream(x).map(value -> Math.max(-most, Math.min(value, most))).toArray();
  }

  private double[] rotated(double[] x, int position) {
    Attention.Rotary rotary = attention.rotary();
    return rotary == null ? x : new RotaryPart(rotary, attention.headWidth()).of(x, position);
  }
}
