package anabranch.benchmarks.job;

import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.Sequence;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a job, answered by an engine without one. Rows come in bursts, so that whoever
 * submits and the engine wake each other rarely. Confined to one thread.
 */
final class BareEngine implements AutoCloseable {
  private record Asked(long number, CompletableFuture<Inference> answer) {}

  private final Engine engine;
  private final @Nullable Keys keys;
  private final Sequence[] sequences;
  private final int length;
  private final int held;
  private long next;
  private long sum;

  /**
   * Opens it.
   *
   * @param keys whose sequences go on; null for rows on their own
   * @param held how many rows are on their way at most, of which half are awaited together
   */
  BareEngine(String backend, ModelSpec spec, int batch, int pages, @Nullable Keys keys, int held) {
    engine =
        Engine.open(
            Backends.named(backend)
                .load(spec, Weights.random(spec, 1), Workload.load(backend, pages)),
            Policy.fullDepth(),
            Workload.options(batch, Workload.LINGER));
    this.keys = keys;
    this.held = held;
    length = spec.input().maxLength();
    sequences = new Sequence[keys == null ? 0 : keys.count()];
    for (int key = 0; key < sequences.length; key++) {
      sequences[key] = engine.begin(String.valueOf(key));
    }
  }

  /** Answers the next rows; returns the sum of what is remembered of the answers. */
  long round(long rows) {
    sum = 0;
    Deque<Asked> asked = new ArrayDeque<>();
    for (long end = next + rows; next < end; next++) {
      if (asked.size() == held) {
        for (int n = 0; n < held / 2; n++) {
          take(asked.remove());
        }
      }
      Item item = Item.of("row", Workload.event(next));
      asked.add(
          new Asked(
              next, keys == null ? engine.submit(item) : sequences[keys.of(next)].submit(item)));
    }
    asked.forEach(this::take);
    return sum;
  }

  private void take(Asked one) {
    sum += Workload.result(one.number, one.answer.join());
    if (keys != null && keys.ends(one.number, length)) {
      int key = keys.of(one.number);
      sequences[key].close();
      sequences[key] = engine.begin(String.valueOf(key));
    }
  }

  @Override
  public void close() {
    engine.close();
  }
}
