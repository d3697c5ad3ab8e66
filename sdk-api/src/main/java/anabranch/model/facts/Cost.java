package anabranch.model.facts;

import anabranch.error.DescriptionException;
import anabranch.model.Attention;
import anabranch.model.Embedding;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Operation;
import anabranch.model.Sublayer;
import java.util.List;

/**
 * Floating-point operations of a model, counted from its description: two for each multiply-add of
 * a matrix product or attention core; norms, activations and softmax are not counted.
 *
 * <p>Immutable; any thread.
 */
public final class Cost {
  private final List<StageSpec> stages;
  private final long[] live;
  private final long[] frozen;
  private final long[] perEarlier;
  private final long[] perRow;
  private final long[] head;
  private final boolean ofItem;

  private Cost(ModelSpec spec) {
    stages = Cut.of(spec);
    int n = stages.size();
    live = new long[n];
    frozen = new long[n];
    perEarlier = new long[n];
    perRow = new long[n];
    head = new long[n];
    ofItem = spec.head().pool().ofItem();
    live[0] = embedding(spec);
    for (StageSpec stage : stages) {
      int s = stage.index();
      stage.blocks().stream()
          .flatMap(block -> block.sublayers().stream())
          .map(Sublayer::operation)
          .forEach(operation -> add(operation, spec.width(), s));
      head[s] = head(stage.point().head(), spec.width());
    }
  }

  /**
   * Returns the cost of a model.
   *
   * @throws DescriptionException if an item of full length costs more than a long can count
   */
  public static Cost of(ModelSpec spec) {
    try {
      Cost cost = new Cost(spec);
      cost.full(spec.input().maxLength());
      return cost;
    } catch (ArithmeticException beyond) {
      throw new DescriptionException(
          "cost of model \"" + spec.name() + "\" is above " + Long.MAX_VALUE + " operations",
          beyond);
    }
  }

  /**
   * Returns what a live row costs in a stage, without the head.
   *
   * @param stage index of the stage
   * @param position the row's position: causal attention reads the rows up to it
   * @param rows how many rows the sequence has: full attention reads them all
   */
  public long live(int stage, int position, int rows) {
    return sum(
        live[stage],
        sum(
            Math.multiplyExact(perEarlier[stage], position + 1L),
            Math.multiplyExact(perRow[stage], (long) rows)));
  }

  /** Returns what a frozen row costs in a stage: keys and values only. */
  public long frozen(int stage) {
    return frozen[stage];
  }

  /** Returns what scoring or answering one unit at the point behind a stage costs. */
  public long head(int stage) {
    return head[stage];
  }

  /** Returns what an item of that many rows costs at full depth: every stage and the final head. */
  public long full(int rows) {
    long sum = Math.multiplyExact(head[head.length - 1], ofItem ? 1L : rows);
    long earlier = rows * (rows + 1L) / 2;
    for (int s = 0; s < live.length; s++) {
      long each = sum(live[s], Math.multiplyExact(perRow[s], (long) rows));
      sum = sum(sum, Math.multiplyExact(each, (long) rows));
      sum = sum(sum, Math.multiplyExact(perEarlier[s], earlier));
    }
    return sum;
  }

  /** Returns the stages the costs refer to. */
  public List<StageSpec> stages() {
    return stages;
  }

  private void add(Operation operation, int width, int stage) {
    if (operation instanceof Attention attention) {
      long keysAndValues = Math.multiplyExact(2L, product(width, attention.keyValueWidth()));
      long queries = Math.multiplyExact(2L, product(width, attention.queryWidth()));
      live[stage] = sum(live[stage], sum(keysAndValues, queries));
      frozen[stage] = sum(frozen[stage], keysAndValues);
      long perKey = 4L * attention.queryWidth();
      if (attention.mask() == Attention.Mask.CAUSAL) {
        perEarlier[stage] = sum(perEarlier[stage], perKey);
      } else {
        perRow[stage] = sum(perRow[stage], perKey);
      }
    } else if (operation instanceof FeedForward network) {
      live[stage] = sum(live[stage], network(network, width));
    } else if (operation instanceof Mixture mixture) {
      long router = mixture.router().hasWeight() ? product(width, mixture.experts()) : 0;
      long k = mixture.router().selection().k();
      long experts = Math.multiplyExact(k, network(mixture.expert(), width));
      live[stage] = sum(live[stage], sum(router, experts));
    } else {
      throw new AssertionError(operation);
    }
  }

  private static long network(FeedForward network, int width) {
    return Math.multiplyExact(network.gated() ? 3L : 2L, product(width, network.inner()));
  }

  private static long head(Head head, int width) {
    return product(width, head.outputs());
  }

  private static long embedding(ModelSpec spec) {
    long sum = 0;
    if (spec.input() instanceof Input.Features features) {
      sum += product(features.features(), spec.width());
    }
    Embedding.Ngrams ngrams = spec.embedding().ngrams();
    if (ngrams != null) {
      sum += product(ngrams.inner(), spec.width());
    }
    return sum;
  }

  private static long sum(long a, long b) {
    return Math.addExact(a, b);
  }

  private static long product(long in, long out) {
    return Math.multiplyExact(2L, Math.multiplyExact(in, out));
  }
}
