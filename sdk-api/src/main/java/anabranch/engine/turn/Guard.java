package anabranch.engine.turn;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A lock whose holder says what is to be done when it is free again, such as to complete futures.
 * Thread-safe; a holder may take it again.
 */
public final class Guard {
  private final ReentrantLock lock = new ReentrantLock();

  /** Answers a question while the guard is held. */
  public <R> R within(Supplier<R> question) {
    lock.lock();
    try {
      return question.get();
    } finally {
      lock.unlock();
    }
  }

  /** Does something while the guard is held, and what that adds to the list when it is free. */
  public <R> R within(Function<List<Runnable>, R> change) {
    List<Runnable> outside = new ArrayList<>();
    R result = within(() -> change.apply(outside));
    outside.forEach(Runnable::run);
    return result;
  }

  /** Does something while the guard is held, and what that adds to the list when it is free. */
  public void change(Consumer<List<Runnable>> change) {
    changed(change).forEach(Runnable::run);
  }

  /** Does something while the guard is held; returns what that leaves to do when it is free. */
  public List<Runnable> changed(Consumer<List<Runnable>> change) {
    List<Runnable> outside = new ArrayList<>();
    lock.lock();
    try {
      change.accept(outside);
    } finally {
      lock.unlock();
    }
    return outside;
  }

  Condition condition() {
    return lock.newCondition();
  }
}
