package anabranch.flink;

import anabranch.engine.Inference;
import anabranch.engine.Item;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/** A record that waits for its answers. Confined to the task's thread. */
final class HeldRecord<IN> implements Batch.Place {
  private final IN value;
  private final boolean hasTimestamp;
  private final long timestamp;
  private final List<Item> items;
  private final @Nullable Exception unreadable;
  private final ThrowingConsumer<HeldRecord<IN>, Exception> emitter;
  private final List<CompletableFuture<Inference>> answers;
  private final int rows;

  /**
   * Holds a value with the time stamp of an element.
   *
   * @param unreadable why the record has no items though it should; null if it was read
   * @param emitter called once, when every answer is there
   */
  HeldRecord(
      IN value,
      StreamRecord<IN> element,
      List<Item> items,
      @Nullable Exception unreadable,
      ThrowingConsumer<HeldRecord<IN>, Exception> emitter) {
    this.value = value;
    this.hasTimestamp = element.hasTimestamp();
    this.timestamp = hasTimestamp ? element.getTimestamp() : 0;
    this.items = items;
    this.unreadable = unreadable;
    this.emitter = emitter;
    this.answers = new ArrayList<>(items.size());
    this.rows = items.stream().mapToInt(item -> item.event().rows()).sum();
  }

  IN value() {
    return value;
  }

  List<Item> items() {
    return items;
  }

  int rows() {
    return rows;
  }

  @Nullable Exception unreadable() {
    return unreadable;
  }

  List<CompletableFuture<Inference>> answers() {
    return answers;
  }

  /** Returns an element with the time stamp of the record. */
  <T> StreamRecord<T> stamped(T result) {
    return hasTimestamp ? new StreamRecord<>(result, timestamp) : new StreamRecord<>(result);
  }

  @Override
  public void emit() throws Exception {
    emitter.accept(this);
  }
}
