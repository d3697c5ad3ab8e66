package anabranch.backend;

import org.jspecify.annotations.Nullable;

/**
 * Where the rows of a span come from and how they run: a view on arrays of the caller, which do not
 * change during the call it is passed to and may change after.
 */
public final class Rows {
  /** Flag: the row left earlier and owes this stage only what later rows read of it. */
  public static final byte FROZEN = 1;

  /** Flag: the row's score or output can matter. */
  public static final byte SCORED = 2;

  private final Event[] event;
  private final @Nullable Activations[] from;
  private final int[] index;
  private final int[] position;
  private final byte[] flags;

  /**
   * Creates a view; the arrays have equal lengths and are not copied.
   *
   * @param event the event that brought each row
   * @param from the earlier call's rows that hold it; null entries in the first stage
   * @param index its index there
   * @param position its position in the sequence, ascending
   * @param flags {@link #FROZEN}, {@link #SCORED}, or 0
   */
  public Rows(
      Event[] event, @Nullable Activations[] from, int[] index, int[] position, byte[] flags) {
    this.event = event;
    this.from = from;
    this.index = index;
    this.position = position;
    this.flags = flags;
  }

  /** Returns the number of rows. */
  public int size() {
    return position.length;
  }

  /**
   * Returns the event that brought row i: token ids and features are readable at any depth, for
   * routers that hash them.
   */
  public Event event(int i) {
    return event[i];
  }

  /** Returns the rows of an earlier call that hold row i; null in the first stage. */
  public @Nullable Activations from(int i) {
    return from[i];
  }

  /** Returns the index of row i in {@link #from}. */
  public int index(int i) {
    return index[i];
  }

  /** Returns the position of row i in its sequence, from 0. */
  public int position(int i) {
    return position[i];
  }

  /**
   * Returns whether row i only writes what later rows read of it (keys and values, recurrent
   * state): no query, no router, no pool, no score.
   */
  public boolean frozen(int i) {
    return (flags[i] & FROZEN) != 0;
  }

  /**
   * Returns whether the score or output of row i can matter; heads run for these rows only. A unit
   * that is a whole span is scored when any of its rows is.
   */
  public boolean scored(int i) {
    return (flags[i] & SCORED) != 0;
  }
}
