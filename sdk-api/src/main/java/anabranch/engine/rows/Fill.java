package anabranch.engine.rows;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import java.util.BitSet;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A row that left, or jumped ahead, and that later rows of its sequence will read: at these steps
 * it must still run, before any later row does. Confined to one lane at a time.
 */
public final class Fill {
  private final Event event;
  private final int position;
  private final boolean live;
  private final BitSet steps;
  private @Nullable Held from;
  private int index;

  /**
   * Creates a fill that waits.
   *
   * @param live whether it runs in full there, each step on what the one before made of it; else
   *     only what others read of it is computed
   * @param steps the steps that it owes, at least one
   * @param from the call that holds it, on its way until now
   */
  Fill(Event event, int position, boolean live, BitSet steps, Held from, int index) {
    this.event = event;
    this.position = position;
    this.live = live;
    this.steps = steps;
    this.from = from.parked();
    this.index = index;
  }

  private Fill(Fill origin) {
    event = origin.event;
    position = origin.position;
    live = origin.live;
    steps = (BitSet) origin.steps.clone();
    Held held = Objects.requireNonNull(origin.from);
    from = held.used().parked();
    index = origin.index;
  }

  /** Returns the same row for a fork of its sequence. */
  public Fill copy() {
    return new Fill(this);
  }

  Event event() {
    return event;
  }

  int position() {
    return position;
  }

  boolean live() {
    return live;
  }

  boolean owes(int step) {
    return steps.get(step);
  }

  /** Returns the first step that the row owes; -1 if none. */
  public int first() {
    return steps.nextSetBit(0);
  }

  @Nullable Activations rows() {
    return from == null ? null : from.rows();
  }

  int index() {
    return index;
  }

  /** The row ran in a step that it owed; its vector lies elsewhere now. */
  void ran(int step, Held handle, int row) {
    steps.clear(step);
    close();
    if (!steps.isEmpty()) {
      from = handle.used().parked();
      index = row;
    }
  }

  /** Lets go of the row: nobody will read it. */
  public void close() {
    Held held = from;
    from = null;
    if (held != null) {
      held.unpark();
    }
  }
}
