package anabranch.flink.step;

import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.flink.annotation.Internal;
import org.jspecify.annotations.Nullable;

/**
 * What arrived and is not yet emitted: records, and control elements that no record crosses.
 * Confined to the task's thread.
 *
 * <p>Ordered, records leave in the order of their arrival. Unordered, each leaves when it is done,
 * whatever became of the others between the same control elements.
 */
@Internal
public final class Places {
  /** Something that keeps its place in a stream until it is emitted. */
  @FunctionalInterface
  public interface Place {
    /** Hands everything that belongs here to the output. */
    void emit() throws Exception;
  }

  /** A record, which is emitted when all that belongs to it is known. */
  public abstract static class Waiting extends Chain.Link<Waiting> implements Place {
    private @Nullable Stretch stretch;
    private boolean done;

    /** Returns whether it may leave. */
    public final boolean isDone() {
      return done;
    }

    /** Gives up: nobody waits for it any more. */
    protected abstract void cancel();
  }

  /** Records with no control element between them, and the control elements behind them. */
  private static final class Stretch {
    final Chain<Waiting> records = new Chain<>();

    /** Those that may leave, where they need no order. */
    final Deque<Waiting> done = new ArrayDeque<>();

    final Deque<Place> controls = new ArrayDeque<>();
  }

  private final Deque<Stretch> stretches = new ArrayDeque<>();
  private final boolean ordered;
  private int size;
  private int controls;
  private boolean emitting;

  /** Creates places; {@code ordered} says whether records leave in the order of their arrival. */
  public Places(boolean ordered) {
    this.ordered = ordered;
  }

  /** Adds a record. */
  public void add(Waiting record) {
    Stretch last = stretches.peekLast();
    if (last == null || !last.controls.isEmpty()) {
      last = new Stretch();
      stretches.add(last);
    }
    record.stretch = last;
    last.records.add(record);
    size++;
  }

  /** Adds a control element. */
  public void addControl(Place control) {
    if (stretches.isEmpty()) {
      stretches.add(new Stretch());
    }
    stretches.getLast().controls.add(control);
    size++;
    controls++;
  }

  /** All of a record is known: it may leave with the next {@link #emitReady}. */
  public void done(Waiting record) {
    Stretch stretch = record.stretch;
    if (stretch != null && !record.done) {
      record.done = true;
      if (!ordered) {
        stretch.done.add(record);
      }
    }
  }

  /** Returns how many records and control elements wait. */
  public int size() {
    return size;
  }

  /** Returns how many control elements wait. */
  public int controls() {
    return controls;
  }

  /** Returns whether nothing waits. */
  public boolean isEmpty() {
    return size == 0;
  }

  /** Returns what came first of all that waits; null if nothing does. */
  public @Nullable Place first() {
    Stretch first = stretches.peekFirst();
    if (first == null) {
      return null;
    }
    return first.records.isEmpty() ? first.controls.peekFirst() : first.records.first();
  }

  /** Emits what may leave; called again from within, leaves that to the call outside. */
  public void emitReady() throws Exception {
    if (emitting) {
      return;
    }
    emitting = true;
    try {
      Stretch first;
      while ((first = stretches.peekFirst()) != null && emitOne(first)) {}
    } finally {
      emitting = false;
    }
  }

  /** Emits one place of the first stretch, or removes the stretch; returns whether it did. */
  private boolean emitOne(Stretch first) throws Exception {
    Waiting record = ordered ? first.records.first() : first.done.peekFirst();
    if (record != null && record.done) {
      record.emit();
      first.done.pollFirst();
      first.records.remove(record);
      size--;
      return true;
    } else if (!first.records.isEmpty()) {
      return false;
    }
    Place control = first.controls.peekFirst();
    if (control == null) {
      stretches.removeFirst();
      return true;
    }
    control.emit();
    first.controls.removeFirst();
    controls--;
    size--;
    return true;
  }

  /** Gives everything up. */
  public void cancel() {
    stretches.forEach(stretch -> stretch.records.forEach(Waiting::cancel));
    stretches.clear();
    size = 0;
    controls = 0;
  }
}
