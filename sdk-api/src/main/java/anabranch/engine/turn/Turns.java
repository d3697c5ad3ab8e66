package anabranch.engine.turn;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The work that lanes take, each when it is free, and their sleep while there is none. Whoever
 * calls holds the guard, but for {@link #take}.
 *
 * @param <W> what a lane runs
 */
public final class Turns<W> {
  private final Guard guard;
  private final Condition changed;
  private final List<W> taken = new ArrayList<>();
  private int running;

  /** When a lane that waits will look again by itself, if all do that wait; else never. */
  private long alarm = Long.MAX_VALUE;

  private boolean closed;

  /** Creates turns in which nothing runs. */
  public Turns(Guard guard) {
    this.guard = guard;
    changed = guard.condition();
  }

  /** Says what runs next. */
  @FunctionalInterface
  public interface Next<W> {
    /**
     * Returns what runs next; null where nothing may run now.
     *
     * @param outside takes what is to be done when the guard is free
     */
    @Nullable W at(long now, List<Runnable> outside);
  }

  /**
   * Returns what runs next, waiting for it; null when closed and nothing waits or runs.
   *
   * @param wakeAt when something may run although nothing happens before
   * @param empty whether nothing waits
   */
  public @Nullable W take(Next<W> next, LongSupplier wakeAt, BooleanSupplier empty) {
    List<Runnable> outside = new ArrayList<>();
    try {
      return guard.within(() -> awaited(next, wakeAt, empty, outside));
    } finally {
      outside.forEach(Runnable::run);
    }
  }

  private @Nullable W awaited(
      Next<W> next, LongSupplier wakeAt, BooleanSupplier empty, List<Runnable> outside) {
    while (true) {
      long now = System.nanoTime();
      W work = next.at(now, outside);
      if (work != null) {
        running++;
        taken.add(work);
        changed.signal();
        return work;
      } else if (closed && running == 0 && empty.getAsBoolean()) {
        changed.signalAll();
        return null;
      }
      sleep(now, wakeAt.getAsLong());
    }
  }

  private void sleep(long now, long wakeAt) {
    if (wakeAt == Long.MAX_VALUE) {
      changed.awaitUninterruptibly();
      return;
    }
    alarm = Math.min(alarm, wakeAt);
    try {
      changed.awaitNanos(wakeAt - now);
    } catch (InterruptedException ignored) {
      // Lanes end with the queue, not by interruption; a batch that ends its linger early is
      // correct.
    } finally {
      alarm = Long.MAX_VALUE;
    }
  }

  /** Takes back work that ran. */
  public void done(W work) {
    running--;
    taken.removeIf(each -> each == work);
    wake();
  }

  /** Counts what runs outside of lanes, which do not end before it does. */
  public void runs(int more) {
    running += more;
  }

  /** Returns what lanes run now. */
  public List<W> taken() {
    return List.copyOf(taken);
  }

  /** Lets every lane that sleeps look again. */
  public void wake() {
    changed.signalAll();
  }

  /** Wakes a lane if one has to look earlier than those that sleep do by themselves. */
  public void wake(long at) {
    if (at < alarm) {
      changed.signal();
    }
  }

  /** Lets lanes end when nothing waits or runs. */
  public void close() {
    closed = true;
    wake();
  }

  /**
   * Checks that nobody closed.
   *
   * @throws IllegalStateException otherwise
   */
  public void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  /** Returns whether lanes are to end. */
  public boolean isClosed() {
    return closed;
  }
}
