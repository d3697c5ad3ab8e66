package anabranch.benchmarks.job;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * How far one job is: how many numbers its source may emit, and what its sink saw. Tasks find it by
 * name, in the same JVM. Thread-safe.
 */
final class Course {
  private static final Map<String, Course> ALL = new ConcurrentHashMap<>();
  private static final long PATIENCE_SECONDS = 120;

  private final String name;
  private volatile long released;
  private volatile CompletableFuture<Void> opened = new CompletableFuture<>();
  private volatile CompletableFuture<Void> stopped = new CompletableFuture<>();
  private long behindBarrier;
  private long seen;
  private long sum;

  Course(String name) {
    this.name = name;
    if (ALL.putIfAbsent(name, this) != null) {
      throw new IllegalArgumentException("a course \"" + name + "\" runs already");
    }
  }

  static Course named(String name) {
    return ALL.get(name);
  }

  void forget() {
    ALL.remove(name);
  }

  /**
   * Lets the source emit more numbers.
   *
   * @param behind how many more it may emit once a barrier passed it
   * @return completes when the source has emitted all that stand before the barrier
   */
  synchronized CompletableFuture<Void> release(long numbers, long behind) {
    behindBarrier = behind;
    stopped = new CompletableFuture<>();
    CompletableFuture<Void> before = stopped;
    open(numbers);
    return before;
  }

  private void open(long numbers) {
    CompletableFuture<Void> gate = opened;
    opened = new CompletableFuture<>();
    released += numbers;
    gate.complete(null);
  }

  /** A barrier passes the source. */
  synchronized void barrier() {
    long more = behindBarrier;
    behindBarrier = 0;
    if (more > 0) {
      open(more);
    }
  }

  long released() {
    return released;
  }

  /** The source has emitted all that it may; completes when it may emit more. */
  CompletableFuture<Void> stop(long emitted) {
    CompletableFuture<Void> gate = opened;
    if (emitted < released) {
      return CompletableFuture.completedFuture(null);
    }
    stopped.complete(null);
    return gate;
  }

  /** The sink has a result. */
  synchronized void saw(long result) {
    sum += result;
    if (++seen == released) {
      notifyAll();
    }
  }

  /** Waits until the sink has seen all; returns the sum of the results since the last call. */
  synchronized long sum(long numbers) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (seen < numbers) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        throw new IllegalStateException(
            name + " has " + seen + " of " + numbers + " results after two minutes");
      }
      try {
        wait(left);
      } catch (InterruptedException stop) {
        throw new IllegalStateException(stop);
      }
    }
    long result = sum;
    sum = 0;
    return result;
  }
}
