package anabranch.flink;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Batches from flush to emission, in the order of their records. Confined to the task's thread;
 * only metrics look at {@link #inFlight} from outside.
 *
 * <p>Ordered, a batch is emitted when it is done and nothing stands before it. Unordered, it may
 * overtake batches that are not done, as long as neither they nor itself hold a control element.
 */
final class BatchQueue<IN> {
  private final Deque<Batch<IN>> batches = new ArrayDeque<>();
  private final int maxInFlight;
  private final boolean ordered;
  private int inFlight;
  private boolean emitting;

  BatchQueue(int maxInFlight, boolean ordered) {
    this.maxInFlight = maxInFlight;
    this.ordered = ordered;
  }

  void add(Batch<IN> batch) {
    batches.add(batch);
  }

  boolean isEmpty() {
    return batches.isEmpty();
  }

  Batch<IN> last() {
    return batches.getLast();
  }

  /** Returns how many batches were started and are not yet emitted. */
  int inFlight() {
    return inFlight;
  }

  /** Starts and returns the first batch that was not; null if there is none or no room. */
  @Nullable Batch<IN> startNext() {
    if (inFlight >= maxInFlight) {
      return null;
    }
    for (Batch<IN> batch : batches) {
      if (!batch.started()) {
        batch.start();
        inFlight++;
        return batch;
      }
    }
    return null;
  }

  /** Emits what may leave; called again from within, leaves that to the call outside. */
  void emitReady() throws Exception {
    if (emitting) {
      return;
    }
    emitting = true;
    try {
      Batch<IN> next;
      while ((next = ready()) != null) {
        next.emit();
        batches.remove(next);
        inFlight--;
      }
    } finally {
      emitting = false;
    }
  }

  private @Nullable Batch<IN> ready() {
    for (Batch<IN> batch : batches) {
      boolean first = batch == batches.peekFirst();
      boolean free = !ordered && batch.controls() == 0;
      if (batch.isDone() && (first || free)) {
        return batch;
      }
      if (!free) {
        return null;
      }
    }
    return null;
  }

  void cancel() {
    batches.forEach(Batch::cancel);
    batches.clear();
  }
}
