package anabranch.onnx.crew;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of threads that take parts of a call off the thread that makes it. Thread-safe.
 *
 * <p>Whoever calls works too and waits for nothing but parts that others have begun, so that calls
 * end whether or not somebody helps. The threads help one call at a time; callers that come
 * meanwhile do alone what they have, and so does a part that calls. There are threads from the
 * first {@link #hire} on until as many {@link #dismiss}; before and afterwards calls just run.
 */
public final class Crew {
  private final int helpers;
  private final ThreadFactory factory;
  private final AtomicReference<@Nullable Work> open = new AtomicReference<>();
  private volatile List<Helper> hired = List.of();
  private int hires;

  /**
   * Creates a crew; no thread is made yet.
   *
   * @param threads how many work on one call, its caller included; from 1 on
   * @param factory makes the others
   */
  public Crew(int threads, ThreadFactory factory) {
    this.helpers = threads - 1;
    this.factory = factory;
  }

  /** Returns a crew of the caller alone. */
  public static Crew alone() {
    return new Crew(1, Thread::new);
  }

  /** Returns how many threads work on one call, its caller included. */
  public int threads() {
    return helpers + 1;
  }

  /** Keeps the threads until {@link #dismiss}; makes them unless there are some. */
  public synchronized void hire() {
    if (hires == 0) {
      List<Helper> team = new ArrayList<>();
      boolean complete = false;
      try {
        while (team.size() < helpers) {
          Helper helper = new Helper();
          helper.thread.start();
          team.add(helper);
        }
        complete = true;
      } finally {
        if (!complete) {
          team.forEach(Helper::leave);
        }
      }
      hired = List.copyOf(team);
    }
    hires++;
  }

  /** Lets the threads go, unless somebody else keeps them; each ends when its part is done. */
  public synchronized void dismiss() {
    if (hires == 0) {
      throw new IllegalStateException("more dismissed than hired");
    }
    hires--;
    if (hires == 0) {
      hired.forEach(Helper::leave);
      hired = List.of();
    }
  }

  /**
   * Runs parts, each once, on this thread and on others, and returns when all are done. Parts are
   * begun in their order and end in any.
   *
   * <p>Where a part throws, those not begun are left out, those begun are waited for, and what the
   * first of them threw is thrown. An interrupt is neither heeded nor lost.
   *
   * @param part is given their numbers from 0 on
   */
  public void run(int parts, IntConsumer part) {
    List<Helper> team = hired;
    Work work = parts < 2 || team.isEmpty() ? null : new Work(parts, part);
    if (work == null || !open.compareAndSet(null, work)) {
      for (int i = 0; i < parts; i++) {
        part.accept(i);
      }
      return;
    }
    int wanted = parts - 1;
    for (int i = 0; i < team.size() && wanted > 0; i++) {
      wanted -= team.get(i).wake() ? 1 : 0;
    }
    work.share();
    open.compareAndSet(work, null);
    work.await();
  }

  /** A call: its parts, and how far they are. */
  private static final class Work {
    private final int parts;
    private final IntConsumer part;
    private final Thread caller = Thread.currentThread();
    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();

    Work(int parts, IntConsumer part) {
      this.parts = parts;
      this.part = part;
    }

    /** Takes part after part until all are begun. */
    void share() {
      for (int i = begun.getAndIncrement(); i < parts; i = begun.getAndIncrement()) {
        try {
          if (thrown.get() == null) {
            part.accept(i);
          }
        } catch (Throwable failure) {
          thrown.compareAndSet(null, failure);
        } finally {
          if (ended.incrementAndGet() == parts) {
            LockSupport.unpark(caller);
          }
        }
      }
    }

    /** Waits until all parts have ended; throws what one threw. */
    void await() {
      boolean interrupted = false;
      while (ended.get() < parts) {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
      if (interrupted) {
        caller.interrupt();
      }
      Throwable failure = thrown.get();
      if (failure instanceof Error error) {
        throw error;
      } else if (failure instanceof RuntimeException exception) {
        throw exception;
      } else if (failure != null) {
        throw new IllegalStateException(failure);
      }
    }
  }

  /** A thread that helps. */
  private final class Helper implements Runnable {
    private final Thread thread = factory.newThread(this);
    private volatile boolean idle;
    private volatile boolean over;

    @Override
    public void run() {
      while (!over) {
        Work work = open.get();
        if (work == null) {
          rest();
        } else {
          work.share();
          open.compareAndSet(work, null);
        }
      }
    }

    /** Sleeps; says so before it looks for work a last time, so that nobody wakes it in vain. */
    private void rest() {
      idle = true;
      if (open.get() == null && !over) {
        LockSupport.park(Crew.this);
      }
      idle = false;
      Thread.interrupted();
    }

    /** Wakes it if it sleeps; returns whether it did. */
    boolean wake() {
      if (!idle) {
        return false;
      }
      LockSupport.unpark(thread);
      return true;
    }

    void leave() {
      over = true;
      LockSupport.unpark(thread);
    }
  }
}
