package anabranch.flink.step;

import anabranch.engine.Inference;
import anabranch.engine.Item;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.annotation.Internal;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * A record that waits for its answers, then for its place in the output. Confined to the task's
 * thread, but for counting answers.
 */
@Internal
public abstract class HeldRecord<IN> extends Places.Waiting {
  /** A value with a time stamp of its own: Flink may use the element again. */
  public final StreamRecord<IN> record;

  /** What the record says; nothing if it could not be read. */
  public List<Item> items = List.of();

  /** Why it cannot be answered; null if it can, or that is not known yet. */
  public @Nullable Exception failure;

  /** One for each item, once all are there and none failed. */
  public List<Inference> inferences = List.of();

  private List<CompletableFuture<Inference>> answers = List.of();
  private final AtomicInteger unanswered = new AtomicInteger();

  /** Holds an element that nobody else changes. */
  protected HeldRecord(StreamRecord<IN> record) {
    this.record = record;
  }

  /** Returns how many rows the record has. */
  public final int rows() {
    int rows = 0;
    for (Item item : items) {
      rows += item.event().rows();
    }
    return rows;
  }

  /** Expects one answer for each item and one for the end of submission. */
  final void expect(int count) {
    answers = new ArrayList<>(count);
    unanswered.set(count + 1);
  }

  final void add(CompletableFuture<Inference> answer) {
    answers.add(answer);
  }

  /** Counts an answer, on any thread; returns whether it was the last. */
  final boolean answered() {
    return unanswered.decrementAndGet() == 0;
  }

  /**
   * Takes what was answered; the first failure is that of the record.
   *
   * @throws CompletionException for a failure that is no item's fault
   */
  final List<Inference> collect() {
    List<Inference> all = new ArrayList<>(answers.size());
    for (CompletableFuture<Inference> answer : answers) {
      try {
        all.add(answer.join());
      } catch (CompletionException failed) {
        failure = failure == null ? Failures.blame(failed) : failure;
      }
    }
    inferences = failure == null ? List.copyOf(all) : List.of();
    return all;
  }

  @Override
  protected final void cancel() {
    answers.forEach(answer -> answer.cancel(false));
  }
}
