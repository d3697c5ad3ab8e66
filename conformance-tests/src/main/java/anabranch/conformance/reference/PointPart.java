package anabranch.conformance.reference;

import static anabranch.conformance.reference.part.Arithmetic.argmax;
import static anabranch.conformance.reference.part.Arithmetic.project;

import anabranch.conformance.reference.block.HeadPart;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.part.Scores;
import anabranch.conformance.reference.pass.Graph;
import anabranch.conformance.reference.pass.Row;
import anabranch.model.plan.Criterion.Score;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Head;
import anabranch.model.plan.Prune;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is scored behind a run of blocks, with its weights. Immutable. */
final class PointPart {
  final Head.Pool pool;
  final @Nullable Score score;
  final @Nullable HeadPart head;
  private final DepthChoice.@Nullable From depths;
  private final double[][] weight; // [outputs, width]
  private final double @Nullable [] bias; // [outputs]
  private final int rows;
  private final @Nullable Prune prune;

  /**
   * What a unit is told.
   *
   * @param logits of the head; null where there is none
   * @param score NaN where only the caller knows it, or there is none
   * @param label the best class, or the depth that was chosen; -1 where neither is asked for
   */
  record Unit(double @Nullable [] logits, double score, int label) {}

  private PointPart(
      Head.Pool pool,
      @Nullable Score score,
      @Nullable Head head,
      DepthChoice.@Nullable From depths,
      boolean biased,
      @Nullable Prune prune,
      String path,
      int rows,
      Parameters parameters) {
    this.pool = pool;
    this.score = score;
    this.head = head == null ? null : new HeadPart(head, path, rows, parameters);
    this.depths = depths;
    this.rows = rows;
    this.prune = prune;
    boolean learned = score == Score.LEARNED || depths != null;
    weight = learned ? parameters.matrix(path + ".score.weight") : new double[0][];
    bias = learned && biased ? parameters.vector(path + ".score.bias") : null;
  }

  /** Returns a point at which units may leave, or at which all of them leave. */
  static PointPart of(
      Head.Pool pool,
      @Nullable Score score,
      @Nullable Head head,
      String path,
      int rows,
      Parameters parameters) {
    return new PointPart(pool, score, head, null, true, null, path, rows, parameters);
  }

  /** Returns a point at which units are told how deep to go. */
  static PointPart of(DepthChoice choice, String path, int rows, Parameters parameters) {
    return new PointPart(
        choice.pool(), null, null, choice.from(), choice.bias(), null, path, rows, parameters);
  }

  /** Returns a point at which rows may be dropped. */
  static PointPart of(Prune prune, String path, int rows, Parameters parameters) {
    return new PointPart(
        Head.Pool.EACH, prune.score(), null, null, true, prune, path, rows, parameters);
  }

  /**
   * What the rows of an event are told at a prune, beside them.
   *
   * @param scores the best stay
   * @param ranks what the graph of an attention says of them; null where nobody asks
   * @param half the more important half by rank; null where nobody asks
   */
  record Ranked(double[] scores, double @Nullable [] ranks, boolean @Nullable [] half) {}

  /**
   * Scores the live rows of an event at a prune.
   *
   * @param forced positions of the more important half; null to find it by rank
   */
  Ranked rank(List<Row> live, @Nullable List<Integer> forced) {
    if (prune == null || prune.rank() == null) {
      double[] scores =
          live.stream().mapToDouble(row -> score(List.of(row), null, false)).toArray();
      return new Ranked(scores, null, null);
    }
    Graph graph = new Graph(live);
    double[] ranks = graph.ranks(prune.rank());
    if (prune.compared() == null) {
      return new Ranked(ranks, ranks, null);
    }
    boolean[] half = Graph.half(ranks);
    boolean[] used = half.clone();
    for (int i = 0; i < used.length && forced != null; i++) {
      used[i] = forced.contains(live.get(i).position);
    }
    return new Ranked(graph.distinct(ranks, used, prune.compared()), ranks, half);
  }

  /**
   * Scores a unit.
   *
   * @param live its live rows, by position
   * @param read what the head reads of them, {@code [rows, width]}
   * @param first whether no decision stands before this one
   */
  Unit judge(List<Row> live, List<double[]> read, boolean first) {
    if (depths != null) {
      return depth(live);
    }
    double[] logits =
        head == null ? null : head.logits(pool.ofItem() ? head.pool(read) : read.get(0));
    boolean labelled = score == Score.PATIENCE && logits != null;
    return new Unit(logits, score(live, logits, first), labelled ? argmax(logits) : -1);
  }

  private double score(List<Row> live, double @Nullable [] logits, boolean first) {
    if (score == null || score == Score.PATIENCE || score == Score.CHOSEN) {
      return Double.NaN;
    } else if (score == Score.LEARNED) {
      return Scores.learned(weight[0], bias == null ? 0 : bias[0], vector(live));
    } else if (score == Score.SATURATION) {
      List<double[]> entered = live.stream().map(row -> row.entered).toList();
      return first ? Double.NaN : Scores.saturation(pooled(entered), vector(live));
    } else if (score == Score.ATTENTION_RECEIVED) {
      return live.get(0).received;
    } else if (logits == null) {
      throw new AssertionError(score + " needs a head");
    }
    return switch (score) {
      case CONFIDENCE -> Scores.confidence(logits);
      case MARGIN -> Scores.margin(logits);
      default -> Scores.entropy(logits);
    };
  }

  /** Rule X7: the best of a score for each depth, with its probability. */
  private Unit depth(List<Row> live) {
    boolean ofMemory = depths == DepthChoice.From.MEMORY;
    double[] h = ofMemory ? pooled(live.get(0).memory.rows()) : vector(live);
    double[] logits = project(weight, bias, h);
    return new Unit(null, Scores.confidence(logits), argmax(logits));
  }

  private double[] vector(List<Row> live) {
    return pooled(live.stream().map(row -> row.x).toList());
  }

  private double[] pooled(List<double[]> vectors) {
    return pool.ofItem() ? HeadPart.pool(pool, vectors, rows) : vectors.get(0);
  }
}
