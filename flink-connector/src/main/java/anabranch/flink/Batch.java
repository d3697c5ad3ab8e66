package anabranch.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Records that are answered together, and the control elements that stand between and behind them.
 * Confined to the task's thread, but for counting answers.
 */
final class Batch<IN> {
  /**
   * Something that keeps its place in a stream until it is emitted: a record or a control element.
   */
  @FunctionalInterface
  interface Place {
    /** Hands everything that belongs here to the output. */
    void emit() throws Exception;
  }

  private final List<Place> places = new ArrayList<>();
  private final List<HeldRecord<IN>> records = new ArrayList<>();
  private final AtomicInteger unanswered = new AtomicInteger();
  private @Nullable Future<?> timer;
  private int rows;
  private int items;
  private boolean started;
  private boolean done;
  private boolean emitted;

  void add(HeldRecord<IN> record) {
    places.add(record);
    records.add(record);
    rows += record.rows();
    items += record.items().size();
  }

  void add(Place control) {
    places.add(control);
  }

  List<HeldRecord<IN>> records() {
    return records;
  }

  int controls() {
    return places.size() - records.size();
  }

  int rows() {
    return rows;
  }

  /** Replaces the timer, cancelling the one before. */
  void timer(@Nullable Future<?> next) {
    if (timer != null) {
      timer.cancel(false);
    }
    timer = next;
  }

  /** Expects one answer for each item and one for the end of submission. */
  void start() {
    started = true;
    unanswered.set(items + 1);
  }

  boolean started() {
    return started;
  }

  /** Counts an answer, on any thread; returns whether it was the last. */
  boolean answered() {
    return unanswered.decrementAndGet() == 0;
  }

  void done() {
    done = true;
    timer(null);
  }

  boolean isDone() {
    return done;
  }

  /** Emits every place, also those that are added meanwhile. */
  void emit() throws Exception {
    for (int i = 0; i < places.size(); i++) {
      places.get(i).emit();
    }
    emitted = true;
  }

  boolean emitted() {
    return emitted;
  }

  /** Gives up: nobody waits for the answers any more. */
  void cancel() {
    timer(null);
    for (HeldRecord<IN> record : records) {
      record.answers().forEach(answer -> answer.cancel(false));
    }
  }
}
