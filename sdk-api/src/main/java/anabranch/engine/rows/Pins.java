package anabranch.engine.rows;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How many bytes rows between steps hold: those of items on their way, and those that only wait to
 * be filled in. Thread-safe.
 */
public final class Pins {
  private final AtomicLong moving = new AtomicLong();
  private final AtomicLong waiting = new AtomicLong();

  /** Returns the bytes of calls some of whose rows are on their way. */
  public long moving() {
    return moving.get();
  }

  /** Returns the bytes of calls some of whose rows wait as fills. */
  public long waiting() {
    return waiting.get();
  }

  void moving(long bytes) {
    moving.addAndGet(bytes);
  }

  void waiting(long bytes) {
    waiting.addAndGet(bytes);
  }
}
