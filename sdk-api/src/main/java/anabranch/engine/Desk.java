package anabranch.engine;

import anabranch.engine.schedule.Costs;
import anabranch.engine.schedule.Limits;
import anabranch.engine.schedule.Schedule;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Where items wait and lanes ask what to run: a {@link Schedule} with a lock, a clock and a bound
 * on what waits before the first step. Thread-safe.
 */
final class Desk {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Condition room = lock.newCondition();
  private final int capacity;
  private final Costs costs;
  private final Schedule<Pending> schedule;
  private int running;
  private boolean closed;

  Desk(EngineOptions options, int steps) {
    capacity = options.queueItems();
    costs = new Costs(steps, EngineOptions.SLACK);
    Limits limits =
        new Limits(
            options.batchRows(),
            options.inFlightRows(),
            EngineOptions.PATIENCE,
            options.linger().toNanos());
    schedule = new Schedule<>(steps, options.mode(), limits, costs);
  }

  /**
   * An item that goes on.
   *
   * @param step the next one in which some of its rows run
   * @param arrival its number in the schedule
   */
  record Onward(Pending item, int step, long arrival) {}

  /** Adds an item, waiting for room. */
  void put(Pending pending) {
    lock.lock();
    try {
      while (!closed && schedule.waiting(0) >= capacity) {
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
      if (!closed && schedule.waiting(0) >= capacity) {
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
    schedule.arrive(0, pending, pending.rows(), System.nanoTime());
    changed.signal();
  }

  /** Removes the item of an answer that nobody waits for any more, before whatever step it is. */
  void remove(Answer answer) {
    drop(pending -> pending.answer() == answer);
  }

  /** Removes every item that waits, and fails it. */
  void abandon(Throwable reason) {
    drop(pending -> true).forEach(pending -> pending.fail(reason));
  }

  private List<Pending> drop(Predicate<Pending> condition) {
    List<Pending> dropped;
    lock.lock();
    try {
      dropped = schedule.remove(condition);
      room.signalAll();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    dropped.forEach(Pending::abandon);
    return dropped;
  }

  /** Returns the next batch, waiting for it; null when closed and nothing waits or runs. */
  Schedule.@Nullable Batch<Pending> take() {
    lock.lock();
    try {
      while (true) {
        long now = System.nanoTime();
        Schedule.Batch<Pending> batch = schedule.next(now);
        if (batch != null) {
          running++;
          if (batch.step() == 0) {
            room.signalAll();
          }
          changed.signal();
          return batch;
        } else if (closed && running == 0 && schedule.isEmpty()) {
          changed.signalAll();
          return null;
        }
        await(schedule.wakeAt(), now);
      }
    } finally {
      lock.unlock();
    }
  }

  private void await(long wakeAt, long now) {
    if (wakeAt == Long.MAX_VALUE) {
      changed.awaitUninterruptibly();
      return;
    }
    try {
      changed.awaitNanos(wakeAt - now);
    } catch (InterruptedException ignored) {
      // Lanes end with the queue, not by interruption; a batch that ends its linger early is
      // correct.
    }
  }

  /** Takes back a batch that ran, with those of its items that go on. */
  void done(Schedule.Batch<Pending> batch, int rows, long nanos, List<Onward> onward) {
    lock.lock();
    try {
      running--;
      schedule.done(batch);
      costs.took(batch.step(), rows, nanos);
      long now = System.nanoTime();
      for (Onward each : onward) {
        schedule.goOn(each.step, each.item, each.item.running(), each.arrival, now);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    // Whoever was cancelled while it ran did not wait in a queue from which to remove it.
    List<Answer> late = new ArrayList<>();
    for (Onward each : onward) {
      if (each.item.answer().isDone()) {
        late.add(each.item.answer());
      }
    }
    late.forEach(this::remove);
  }

  /** Refuses further items; those here are still handed out. */
  void close() {
    lock.lock();
    try {
      closed = true;
      schedule.hurry();
      changed.signalAll();
      room.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
