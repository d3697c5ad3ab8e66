package anabranch.flink.keyed;

import anabranch.engine.Inference;
import anabranch.engine.Item;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A record: it waits for the earlier ones of its key, then for its answers, then for its place in
 * the output. Confined to the task's thread, but for counting answers.
 */
final class Turn<IN> implements Places.Place {
  /** A value with a time stamp of its own: Flink may use the element again. */
  final StreamRecord<IN> record;

  final Line<IN> line;
  final List<CompletableFuture<Inference>> answers = new ArrayList<>();
  private final ThrowingConsumer<Turn<IN>, Exception> emitter;
  private final AtomicInteger unanswered = new AtomicInteger();

  /** What the record says; nothing if it could not be read. */
  List<Item> items = List.of();

  @Nullable Long number;
  boolean last;

  /** Why it goes aside; null if it does not. */
  @Nullable Exception failure;

  /** Whether it leaves no trace. */
  boolean dropped;

  List<Inference> inferences = List.of();
  private boolean done;

  Turn(StreamRecord<IN> record, Line<IN> line, ThrowingConsumer<Turn<IN>, Exception> emitter) {
    this.record = record;
    this.line = line;
    this.emitter = emitter;
  }

  int rows() {
    return items.stream().mapToInt(item -> item.event().rows()).sum();
  }

  /** Expects one answer for each item and one for the end of submission. */
  void start() {
    unanswered.set(items.size() + 1);
  }

  /** Counts an answer, on any thread; returns whether it was the last. */
  boolean answered() {
    return unanswered.decrementAndGet() == 0;
  }

  void done() {
    done = true;
  }

  @Override
  public boolean isDone() {
    return done;
  }

  @Override
  public void cancel() {
    answers.forEach(answer -> answer.cancel(false));
  }

  @Override
  public void emit() throws Exception {
    emitter.accept(this);
  }
}
