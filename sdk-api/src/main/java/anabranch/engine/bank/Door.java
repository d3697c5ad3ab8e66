package anabranch.engine.bank;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Counts what a bank accepted and did not answer. Thread-safe.
 *
 * <p>A thread that runs for the bank never waits at its door: it may be the one that would make
 * room.
 */
final class Door {
  private final int items;
  private final Set<Course<?>> open = new HashSet<>();
  private final Set<Thread> inside = new HashSet<>();
  private boolean closed;

  Door(int items) {
    this.items = items;
  }

  /** Lets one in, once there is room. */
  synchronized void enter(Course<?> course) {
    boolean interrupted = false;
    while (!closed && open.size() >= items) {
      if (runsInside()) {
        throw new IllegalStateException(
            "the bank has accepted " + items + " items, and this thread runs for one of them");
      }
      try {
        wait();
      } catch (InterruptedException stop) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (closed) {
      throw new IllegalStateException("the bank is closed");
    }
    open.add(course);
  }

  /** Lets one out; returns whether it was the last of a closed bank. */
  synchronized boolean leave(Course<?> course) {
    boolean last = open.remove(course) && closed && open.isEmpty();
    notifyAll();
    return last;
  }

  /** Lets nobody in any more; returns whether nobody was inside, when it is called first. */
  synchronized boolean close() {
    boolean last = !closed && open.isEmpty();
    closed = true;
    notifyAll();
    return last;
  }

  /** Returns those who are not answered. */
  synchronized List<Course<?>> open() {
    return new ArrayList<>(open);
  }

  /** Returns whether this thread runs for the bank. */
  synchronized boolean runsInside() {
    return inside.contains(Thread.currentThread());
  }

  /** Does something for the bank. */
  void run(Runnable action) {
    boolean outer = mark(true);
    try {
      action.run();
    } finally {
      if (outer) {
        mark(false);
      }
    }
  }

  private synchronized boolean mark(boolean in) {
    return in ? inside.add(Thread.currentThread()) : inside.remove(Thread.currentThread());
  }
}
