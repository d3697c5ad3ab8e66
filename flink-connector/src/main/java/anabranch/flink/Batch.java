package anabranch.flink;

import anabranch.flink.step.HeldRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/** Records that are handed to the engine together. Confined to the task's thread. */
final class Batch<IN> {
  private final List<Entry<IN>> records = new ArrayList<>();
  private @Nullable Future<?> timer;
  private int rows;
  private int unanswered;
  private int unemitted;
  private boolean started;
  private boolean asked;
  private boolean waited;

  /** A record of a batch. */
  static final class Entry<IN> extends HeldRecord<IN> {
    private final ThrowingConsumer<Entry<IN>, Exception> emitter;
    private @Nullable Batch<IN> batch;

    Entry(StreamRecord<IN> record, ThrowingConsumer<Entry<IN>, Exception> emitter) {
      super(record);
      this.emitter = emitter;
    }

    /** Returns the batch that it was added to. */
    Batch<IN> batch() {
      if (batch == null) {
        throw new IllegalStateException("the record is in no batch");
      }
      return batch;
    }

    @Override
    public void emit() throws Exception {
      emitter.accept(this);
    }
  }

  void add(Entry<IN> record) {
    record.batch = this;
    records.add(record);
    rows += record.rows();
  }

  List<Entry<IN>> records() {
    return records;
  }

  int rows() {
    return rows;
  }

  boolean isEmpty() {
    return records.isEmpty();
  }

  /** Replaces the timer, cancelling the one before. */
  void timer(@Nullable Future<?> next) {
    if (timer != null) {
      timer.cancel(false);
    }
    timer = next;
  }

  void start() {
    started = true;
    unanswered = records.size();
    unemitted = records.size();
  }

  boolean started() {
    return started;
  }

  /** All its records were handed in. */
  void asked() {
    asked = true;
  }

  /**
   * Returns whether time has to be given once more, as it is once: while records are handed in, the
   * task may wait for whoever takes its results.
   */
  boolean mayWait() {
    boolean first = !asked && !waited;
    waited = true;
    return first;
  }

  boolean isAnswered() {
    return unanswered == 0;
  }

  /** Counts an answered record; behind the last one no timer runs. */
  void answered() {
    if (--unanswered == 0) {
      timer(null);
    }
  }

  /** Counts an emitted record; returns whether it was the last. */
  boolean emitted() {
    return --unemitted == 0;
  }
}
