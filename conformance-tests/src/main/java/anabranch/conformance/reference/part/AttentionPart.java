package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.plus;
import static anabranch.conformance.reference.part.Arithmetic.softmax;
import static anabranch.conformance.reference.part.Arithmetic.times;

import anabranch.model.layer.Attention;
import anabranch.model.layer.RoutedHeads;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** An attention with its weights, for one row that asks and those that it may see. */
public final class AttentionPart {
  private final Attention attention;
  private final Heads heads;
  private final List<Projection> o = new ArrayList<>();
  private final double @Nullable [] constant;

  /** Where projections are routed, those of each head of the values. */
  private final List<HeadExperts> values;

  /** Where projections are routed, those of each head of the result. */
  private final List<HeadExperts> results;

  /** {@code [heads]}. */
  private final double @Nullable [] sinks;

  /** {@code [buckets, heads]}. */
  private final double[] @Nullable [] distances;

  /**
   * What a row shows to others.
   *
   * @param key of all heads, one behind the other, rotated
   * @param value of all heads, one behind the other
   * @param count how many rows it shows this for
   */
  public record Shown(double[] key, double[] value, int count) {
    /** Creates what a row shows for itself. */
    public Shown(double[] key, double[] value) {
      this(key, value, 1);
    }

    /** Returns the same for so many rows. */
    public Shown counting(int rows) {
      return new Shown(key, value, rows);
    }
  }

  /**
   * What a row read.
   *
   * @param result {@code [width]}
   * @param byHead {@code [heads, visible]}: what each visible row was given; the mean over experts
   */
  public record Read(double[] result, double[][] byHead) {
    /** Returns what each visible row was given, the mean over heads. */
    public double[] probabilities() {
      double[] mean = new double[byHead[0].length];
      for (double[] head : byHead) {
        for (int row = 0; row < mean.length; row++) {
          mean[row] += head[row] / byHead.length;
        }
      }
      return mean;
    }
  }

  /** Reads the weights under {@code path}. */
  public AttentionPart(Attention attention, String path, Parameters parameters) {
    this.attention = attention;
    heads =
        attention.latent() == null
            ? new ProjectedHeads(attention, path, parameters)
            : new LatentHeads(attention, attention.latent(), path, parameters);
    boolean bias = attention.bias() == Attention.Bias.ALL;
    RoutedHeads routed = attention.routed();
    Attention.RoutedProjections each = attention.projections();
    int experts = each == null ? 0 : each.experts();
    values =
        each == null
            ? List.of()
            : HeadExperts.read(path + ".v", attention.keyValueHeads(), experts, parameters);
    results =
        each == null
            ? List.of()
            : HeadExperts.read(path + ".o", attention.heads(), experts, parameters);
    if (each == null && routed == null) {
      o.add(Projection.read(path + ".o", bias, parameters));
    }
    if (routed != null) {
      for (int e = 0; e < routed.experts(); e++) {
        o.add(Projection.read(path + ".experts." + e + ".o", bias, parameters));
      }
    }
    boolean more = routed != null && routed.constant();
    constant = more ? parameters.vector(path + ".constant") : null;
    Attention.Scores scores = attention.scores();
    boolean sunk = scores != null && scores.sinks();
    boolean far = scores != null && scores.distances() != null;
    sinks = sunk ? parameters.vector(path + ".sinks") : null;
    distances = far ? parameters.matrix(path + ".distances") : null;
  }

  /** Returns the key and value of a row, from the vector the operation reads. */
  public Shown show(double[] x, int position) {
    return heads.show(x, position);
  }

  /**
   * Rule A29: the same where the experts of each head make its value.
   *
   * @param taken by head, the experts that the row took, with their gates
   */
  public Shown show(double[] x, int position, List<SortedMap<Integer, Double>> taken) {
    int width = attention.headWidth();
    double[] value = new double[attention.keyValueWidth()];
    for (int h = 0; h < values.size(); h++) {
      System.arraycopy(values.get(h).of(x, taken.get(h)), 0, value, h * width, width);
    }
    return new Shown(heads.show(x, position).key, value);
  }

  /** Returns what a row reads from rows of a memory, or where distances do not matter. */
  public Read read(double[] x, int position, List<Shown> visible) {
    return read(x, position, visible, visible.stream().map(row -> position).toList());
  }

  /** Returns what a row reads from the rows it may see, and their positions. */
  public Read read(double[] x, int position, List<Shown> visible, List<Integer> positions) {
    return read(x, position, visible, positions, List.of(0), List.of(1.0));
  }

  /**
   * Rule A26: each expert asks with its own heads and projects what they read; the gates weigh the
   * results, which are summed in the order given, and the constant joins.
   *
   * @param experts that the row picked, in ascending order
   * @param gates beside them
   */
  public Read read(
      double[] x,
      int position,
      List<Shown> visible,
      List<Integer> positions,
      List<Integer> experts,
      List<Double> gates) {
    double[][] given = new double[attention.heads()][visible.size()];
    double[] sum = new double[x.length];
    for (int i = 0; i < experts.size(); i++) {
      int expert = experts.get(i);
      double[] query = heads.query(expert, x, position);
      double[] read = read(query, position, visible, positions, experts.size(), given);
      sum = plus(sum, times(gates.get(i), o.get(expert).of(read)));
    }
    return new Read(constant == null ? sum : plus(sum, constant), given);
  }

  /**
   * Rule A29: the experts of each head make something of what it reads, and that is summed.
   *
   * @param taken by head, the experts that the asking row took, with their gates
   */
  public Read read(
      double[] x,
      int position,
      List<Shown> visible,
      List<Integer> positions,
      List<SortedMap<Integer, Double>> taken) {
    double[][] given = new double[attention.heads()][visible.size()];
    double[] read = read(heads.query(0, x, position), position, visible, positions, 1, given);
    int width = attention.headWidth();
    double[] sum = new double[x.length];
    for (int h = 0; h < results.size(); h++) {
      double[] own = Arrays.copyOfRange(read, h * width, (h + 1) * width);
      sum = plus(sum, results.get(h).of(own, taken.get(h)));
    }
    return new Read(sum, given);
  }

  /** Returns what the heads of a query read, and adds to {@code given} what each gave. */
  private double[] read(
      double[] query,
      int position,
      List<Shown> visible,
      List<Integer> positions,
      int asking,
      double[][] given) {
    int each = attention.resultWidth() / attention.heads();
    double[] read = new double[attention.resultWidth()];
    int shared = attention.heads() / attention.keyValueHeads();
    for (int head = 0; head < attention.heads(); head++) {
      int theirs = head / shared;
      double[] weights = weights(head, scores(query, head, theirs, position, visible, positions));
      for (int row = 0; row < visible.size(); row++) {
        given[head][row] += weights[row] / asking;
        for (int i = 0; i < each; i++) {
          read[head * each + i] += weights[row] * visible.get(row).value[theirs * each + i];
        }
      }
    }
    return read;
  }

  /** Rules A22 and A30: products with keys, how far these are and how many rows they stand for. */
  private double[] scores(
      double[] query, int head, int of, int at, List<Shown> visible, List<Integer> positions) {
    int width = attention.headWidth();
    double[] scores = new double[visible.size()];
    for (int row = 0; row < scores.length; row++) {
      for (int i = 0; i < width; i++) {
        double key = visible.get(row).key[of * width + i];
        scores[row] += query[head * width + i] * key * scale();
      }
      scores[row] += near(head, positions.get(row) - at);
      scores[row] += Math.log(visible.get(row).count);
    }
    return scores;
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
}
