package anabranch.engine.rows;

import anabranch.backend.Activations;

/**
 * Rows of one call, closed when whoever holds some of them has let go: one row in use holds them
 * all. Thread-safe, as items of one call may go on in different lanes.
 */
public final class Held {
  private final Activations rows;
  private final Pins pins;
  private final long bytes;
  private int moving;
  private int waiting;

  /** Holds the rows for whoever made them. */
  public Held(Activations rows, Pins pins) {
    this.rows = rows;
    this.pins = pins;
    bytes = rows.bytes();
    moving = 1;
    pins.moving(bytes);
  }

  Activations rows() {
    return rows;
  }

  synchronized Held used() {
    if (moving++ == 0) {
      pins.moving(bytes);
    }
    return this;
  }

  /** One who held the rows as an item on its way holds them as a fill from now on. */
  synchronized Held parked() {
    if (waiting++ == 0) {
      pins.waiting(bytes);
    }
    return leave();
  }

  /** Lets go of rows that were on their way. */
  public synchronized void release() {
    leave();
    closeIfFree();
  }

  /** Lets go of rows that waited. */
  synchronized void unpark() {
    if (--waiting == 0) {
      pins.waiting(-bytes);
    }
    closeIfFree();
  }

  private Held leave() {
    if (--moving == 0) {
      pins.moving(-bytes);
    }
    return this;
  }

  private void closeIfFree() {
    if (moving == 0 && waiting == 0) {
      rows.close();
    }
  }
}
