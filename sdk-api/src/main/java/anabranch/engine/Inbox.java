package anabranch.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The bounded queue before the first stage: first in, first out. Thread-safe. */
final class Inbox {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Condition room = lock.newCondition();
  private final Deque<Pending> waiting = new ArrayDeque<>();
  private final int capacity;
  private final int batchRows;
  private final long lingerNanos;
  private long rows;
  private boolean closed;

  Inbox(EngineOptions options) {
    capacity = options.queueItems();
    batchRows = options.batchRows();
    lingerNanos = options.linger().toNanos();
  }

  /** Adds an item, waiting for room. */
  void put(Pending pending) {
    lock.lock();
    try {
      while (!closed && waiting.size() >= capacity) {
        room.awaitUninterruptibly();
      }
      add(pending);
    } finally {
      lock.unlock();
    }
  }

  /** Adds an item unless there is no room. */
  boolean offer(Pending pending) {
    lock.lock();
    try {
      if (!closed && waiting.size() >= capacity) {
        return false;
      }
      add(pending);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void add(Pending pending) {
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
    waiting.add(pending);
    rows += pending.rows();
    changed.signal();
  }

  /** Removes the item of an answer that nobody waits for any more, if it is still here. */
  void remove(Answer answer) {
    lock.lock();
    try {
      waiting.removeIf(
          pending -> {
            boolean gone = pending.answer() == answer;
            rows -= gone ? pending.rows() : 0;
            return gone;
          });
      room.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Returns the next batch, waiting for it; null when closed and empty. */
  @Nullable List<Pending> take() {
    lock.lock();
    try {
      while (true) {
        Pending first = waiting.peek();
        if (first == null) {
          if (closed) {
            return null;
          }
          changed.awaitUninterruptibly();
          continue;
        }
        long left = first.submitted() + lingerNanos - System.nanoTime();
        if (closed || rows >= batchRows || left <= 0) {
          return gather();
        }
        awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private List<Pending> gather() {
    List<Pending> batch = new ArrayList<>();
    long taken = 0;
    while (!waiting.isEmpty() && taken < batchRows) {
      Pending next = waiting.remove();
      taken += next.rows();
      batch.add(next);
    }
    rows -= taken;
    room.signalAll();
    if (!waiting.isEmpty()) {
      changed.signal();
    }
    return batch;
  }

  private void awaitNanos(long nanos) {
    try {
      changed.awaitNanos(nanos);
    } catch (InterruptedException ignored) {
      // Lanes end with the queue, not by interruption; a batch that ends its linger early is
      // correct.
    }
  }

  /** Refuses further items; those here are still handed out. */
  void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
      room.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
