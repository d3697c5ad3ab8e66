package anabranch.model.facts;

import anabranch.error.DescriptionException;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.layer.Skip;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.model.route.Capacity;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntToLongFunction;

/**
 * Floating-point operations of a model, counted from its description: two for each multiply-add of
 * a matrix product or attention core, and what a recurrence does beside its products; norms,
 * activations, softmax, special members of mixtures and what prunes make of an attention are not
 * counted. Where a router decides how much runs, the most that one row can take is counted; of
 * merged rows, that each runs for itself.
 *
 * <p>Immutable; any thread.
 */
public final class Cost {
  private final Cut cut;
  private final long[] live;
  private final long[] frozen;
  private final long[] perEarlier;

  /** For each stage and each length of a window, the cost for each row in it. */
  private final List<SortedMap<Integer, Long>> windows;

  private final long[] perRow;
  private final long[] perMemoryRow;
  private final long[] head;

  private Cost(ModelSpec spec) {
    cut = Cut.of(spec);
    int n = cut.stages().size();
    live = new long[n];
    frozen = new long[n];
    perEarlier = new long[n];
    windows = new ArrayList<>();
    perRow = new long[n];
    perMemoryRow = new long[n];
    head = new long[n];
    Encoder encoder = spec.encoder();
    for (StageSpec stage : cut.stages()) {
      int s = stage.index();
      windows.add(new TreeMap<>());
      Input input = stage.encoder() && encoder != null ? encoder.input() : spec.input();
      if (stage.embeds()) {
        Embedding embedding =
            stage.encoder() && encoder != null ? encoder.embedding() : spec.embedding();
        live[s] = embedding(input, embedding, spec.width());
      }
      for (Block block : stage.blocks()) {
        add(block, spec.width(), s);
      }
      if (stage.frozen() == Bypass.FREEZE_SHARE_KV) {
        frozen[s] = 0;
      }
      head[s] = point(stage.point(), spec.width(), input.maxLength());
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
      Encoder encoder = spec.encoder();
      cost.full(spec.input().maxLength(), encoder == null ? 0 : encoder.input().maxLength());
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
   * @param rows how many rows the event has: full attention reads them all
   * @param memoryRows how many rows the memory has; 0 without one
   */
  public long live(int stage, int position, int rows, int memoryRows) {
    long own =
        sum(
            live[stage],
            sum(
                sum(
                    Math.multiplyExact(perEarlier[stage], position + 1L),
                    windowed(stage, window -> Math.min(position + 1L, window))),
                Math.multiplyExact(perRow[stage], (long) rows)));
    return sum(own, Math.multiplyExact(perMemoryRow[stage], (long) memoryRows));
  }

  /**
   * Returns what a frozen row costs in a stage: what later rows read of it, and nothing else; 0
   * where it shows keys that it has.
   */
  public long frozen(int stage) {
    return frozen[stage];
  }

  /** Returns what scoring or answering one unit at the point behind a stage costs. */
  public long head(int stage) {
    return head[stage];
  }

  /** Returns what an item of that many rows costs at full depth; see {@link #full(int, int)}. */
  public long full(int rows) {
    return full(rows, 0);
  }

  /**
   * Returns what an item costs at full depth: every step, loops to their last time, and the final
   * head.
   *
   * @param rows of its event
   * @param memoryRows of the event that the encoder reads; 0 without one
   */
  public long full(int rows, int memoryRows) {
    long sum = 0;
    for (Step step : cut.steps()) {
      StageSpec stage = step.stage();
      int s = stage.index();
      int count = stage.encoder() ? memoryRows : rows;
      long each = sum(live[s], Math.multiplyExact(perRow[s], (long) count));
      each = sum(each, Math.multiplyExact(perMemoryRow[s], (long) memoryRows));
      sum = sum(sum, Math.multiplyExact(each, (long) count));
      sum = sum(sum, Math.multiplyExact(perEarlier[s], count * (count + 1L) / 2));
      sum = sum(sum, windowed(s, window -> pairs(count, window)));
      if (stage.point() instanceof Point.End end) {
        sum = sum(sum, Math.multiplyExact(head[s], end.pool().ofItem() ? 1L : rows));
      }
    }
    return sum;
  }

  /** Returns how many rows that many rows read, each itself and earlier ones in the window. */
  private static long pairs(int rows, int window) {
    long grown = Math.min(rows, window);
    return sum(grown * (grown + 1) / 2, Math.multiplyExact(rows - grown, (long) window));
  }

  private long windowed(int stage, IntToLongFunction rows) {
    if (windows.get(stage).isEmpty()) {
      return 0;
    }
    long sum = 0;
    for (Map.Entry<Integer, Long> each : windows.get(stage).entrySet()) {
      sum = sum(sum, Math.multiplyExact(each.getValue(), rows.applyAsLong(each.getKey())));
    }
    return sum;
  }

  /** Returns the stages the costs refer to. */
  public List<StageSpec> stages() {
    return cut.stages();
  }

  private void add(Block block, int width, int stage) {
    block.sublayers().forEach(sublayer -> add(sublayer.operation(), width, stage));
  }

  private void add(Operation operation, int width, int stage) {
    if (operation instanceof Attention attention) {
      attention(attention, width, stage);
    } else if (operation instanceof FeedForward network) {
      live[stage] = sum(live[stage], network(network, width));
    } else if (operation instanceof Mixture mixture) {
      live[stage] = sum(live[stage], mixture(mixture, width));
    } else if (operation instanceof Mixture.Sliced sliced) {
      live[stage] = sum(live[stage], sliced(sliced, width));
    } else if (operation instanceof Recurrence recurrence) {
      live[stage] = sum(live[stage], recurrence(recurrence, width));
      frozen[stage] = sum(frozen[stage], kept(recurrence, width));
    } else if (operation instanceof Recurrence.LinearMemory memory) {
      live[stage] = sum(live[stage], memory(memory, width));
      frozen[stage] = sum(frozen[stage], kept(memory, width));
    } else {
      if (operation instanceof Skip skip) {
        live[stage] = sum(live[stage], router(skip.router(), 1, width));
      } else if (operation instanceof Mixture.Modulated modulated) {
        live[stage] = sum(live[stage], factor(modulated, width));
      } else if (operation instanceof Chain.Merged merged) {
        score(merged.attention(), width, stage);
      }
      operation.parts().forEach(part -> add(part, width, stage));
    }
  }

  private void attention(Attention attention, int width, int stage) {
    Latent latent = attention.latent();
    RoutedHeads routed = attention.routed();
    int asking = routed == null ? 1 : routed.k();
    Attention.RoutedProjections projections = attention.projections();
    long keysAndValues =
        latent != null
            ? latent(attention, latent, width)
            : sum(
                product(width, attention.keyValueWidth()),
                projections == null
                    ? product(width, attention.keyValueWidth())
                    : projections(attention, projections, attention.keyValueHeads(), width));
    long results =
        projections == null
            ? Math.multiplyExact((long) asking, product(width, attention.resultWidth()))
            : projections(attention, projections, attention.heads(), width);
    long queries = sum(queries(attention, asking, width), results);
    if (routed != null) {
      queries = sum(queries, router(routed.router(), routed.experts(), width));
    }
    long heads = Math.addExact(attention.queryWidth(), (long) attention.resultWidth());
    long perKey = Math.multiplyExact(2L * asking, heads);
    if (attention.mask() == Attention.Mask.MEMORY) {
      live[stage] = sum(live[stage], queries);
      perMemoryRow[stage] = sum(perMemoryRow[stage], perKey);
      return;
    }
    live[stage] = sum(live[stage], sum(keysAndValues, queries));
    frozen[stage] = sum(frozen[stage], keysAndValues);
    Attention.Window window = attention.window();
    if (window != null) {
      windows.get(stage).merge(window.most(), perKey, Cost::sum);
    } else if (attention.mask() == Attention.Mask.CAUSAL) {
      perEarlier[stage] = sum(perEarlier[stage], perKey);
    } else {
      perRow[stage] = sum(perRow[stage], perKey);
    }
  }

  /** For each head its router, and the experts that a row takes. */
  private static long projections(
      Attention attention, Attention.RoutedProjections projections, int heads, int width) {
    long taken = Math.multiplyExact(projections.k(), product(width, attention.headWidth()));
    long router = router(projections.router(), projections.experts(), width);
    return Math.multiplyExact((long) heads, sum(router, taken));
  }

  private static long queries(Attention attention, int asking, int width) {
    Integer rank = attention.latent() == null ? null : attention.latent().queryRank();
    return rank == null
        ? Math.multiplyExact((long) asking, product(width, attention.queryWidth()))
        : sum(product(width, rank), product(rank, attention.queryWidth()));
  }

  private static long latent(Attention attention, Latent latent, int width) {
    long each = attention.headWidth() - latent.turned() + (long) latent.valueWidth();
    long up = product(latent.rank(), Math.multiplyExact(each, (long) attention.heads()));
    return sum(product(width, latent.kept()), up);
  }

  private static long mixture(Mixture mixture, int width) {
    Router router = mixture.router();
    int members = mixture.members();
    long most = Math.min(most(router, members), mixture.experts());
    long picked = Math.multiplyExact(most, network(mixture.expert(), width));
    Mixture.Shared shared = mixture.shared();
    if (shared != null) {
      picked = sum(picked, network(shared.network(), width));
      picked = sum(picked, shared.weighed() ? product(width, 1) : 0);
    }
    return sum(router(router, members, width), picked);
  }

  /** The slices that a row takes; fusion and what is behind it in full. */
  private static long sliced(Mixture.Sliced sliced, int width) {
    Mixture.Sliced.Fusion fusion = sliced.fusion();
    long most = most(sliced.router(), sliced.slices());
    long up = Math.multiplyExact(most, product(width, sliced.length()));
    long behind = product(sliced.inner(), width);
    if (fusion != null) {
      behind = sum(behind, product(sliced.inner(), sliced.length()));
      boolean across = fusion.kind() == Mixture.Sliced.Fusion.Kind.MONARCH;
      behind = sum(behind, across ? product(sliced.inner(), sliced.slices()) : 0);
    }
    return sum(router(sliced.router(), sliced.slices(), width), sum(up, behind));
  }

  /** Returns the most members that one row can take. */
  private static long most(Router router, int members) {
    return router.selection() instanceof Selection.ExpertChoice choice
            && choice.rows() instanceof Capacity.Size.Share share
        ? (long) Math.min(members, Math.ceil(share.factor()))
        : router.selection().most(members);
  }

  private static long factor(Mixture.Modulated modulated, int width) {
    long most = most(modulated.router(), modulated.experts());
    long maps = Math.multiplyExact(most, product(width, width));
    return sum(router(modulated.router(), modulated.experts(), width), maps);
  }

  /** The most for one row: the key of a block of its own, or a query that reads all blocks. */
  private void score(Attention attention, int width, int stage) {
    Latent latent = attention.latent();
    long key =
        latent == null
            ? product(width, attention.keyValueWidth())
            : latent(attention, latent, width);
    live[stage] = sum(live[stage], Math.max(key, queries(attention, 1, width)));
    perRow[stage] = sum(perRow[stage], Math.multiplyExact(2L, (long) attention.queryWidth()));
  }

  private static long router(Router router, int members, int width) {
    if (!router.hasWeight()) {
      return 0;
    }
    int reads = router.logits().reads(width);
    long hidden = router.logits() instanceof Logits.Network ? product(width, reads) : 0;
    return sum(hidden, product(reads, router.logitsFor(members)));
  }

  private static long network(FeedForward network, int width) {
    return Math.multiplyExact(network.gated() ? 3L : 2L, product(width, network.inner()));
  }

  /** The products, 2 for each number of the convolution, 7 for each state: decay, input, output. */
  private static long recurrence(Recurrence recurrence, int width) {
    long readOut = Math.multiplyExact(2L * recurrence.states(), (long) recurrence.inner());
    long out = product(recurrence.inner(), width);
    long gate = product(width, recurrence.inner());
    return sum(kept(recurrence, width), sum(readOut, sum(out, gate)));
  }

  private static long kept(Recurrence recurrence, int width) {
    long inner = recurrence.inner();
    long in = product(width, inner);
    long convolution = Math.multiplyExact(2L * recurrence.convolution(), inner);
    long project = product(inner, recurrence.rank() + 2L * recurrence.states());
    long step = product(recurrence.rank(), inner);
    long scan = Math.multiplyExact(5L * recurrence.states(), inner);
    return sum(sum(in, convolution), sum(sum(project, step), scan));
  }

  private static long memory(Recurrence.LinearMemory memory, int width) {
    return sum(kept(memory, width), product(Math.addExact((long) memory.states(), width), width));
  }

  private static long kept(Recurrence.LinearMemory memory, int width) {
    long into = sum(product(width, memory.inputs()), product(memory.inputs(), memory.states()));
    return sum(into, product(memory.states(), memory.states()));
  }

  private static long point(Point point, int width, int rows) {
    if (point instanceof Point.AtChoice at) {
      return product(width, at.depths());
    }
    long sum = point.score() == Criterion.Score.LEARNED ? product(width, 1) : 0;
    Head head = point.head();
    return head == null ? sum : sum(sum, head(head, width, rows));
  }

  private static long head(Head head, int width, int rows) {
    long sum = 0;
    if (head.body() != null) {
      for (Operation operation : head.body().operations()) {
        if (operation instanceof FeedForward network) {
          sum = sum(sum, network(network, width));
        } else if (operation instanceof Recurrence recurrence) {
          sum = sum(sum, recurrence(recurrence, width));
        } else if (operation instanceof Recurrence.LinearMemory memory) {
          sum = sum(sum, memory(memory, width));
        }
      }
    }
    long in = head.pool() == Head.Pool.FLATTEN ? Math.multiplyExact(width, (long) rows) : width;
    if (head.hidden() != null) {
      sum = sum(sum, product(in, head.hidden().inner()));
      in = head.hidden().inner();
    }
    return sum(sum, product(in, head.outputs()));
  }

  private static long embedding(Input input, Embedding embedding, int width) {
    long sum = 0;
    if (input instanceof Input.Features features) {
      sum = product(features.features(), width);
    } else if (input instanceof Input.Records records) {
      sum = product(records.numeric(), width);
    }
    if (embedding.ngrams() != null) {
      sum = sum(sum, product(embedding.ngrams().inner(), width));
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
