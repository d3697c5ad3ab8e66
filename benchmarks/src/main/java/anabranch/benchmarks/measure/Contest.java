package anabranch.benchmarks.measure;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongSupplier;

/**
 * Runs several sides in turn, so that whatever disturbs the machine disturbs them alike. Each round
 * draws the order anew, from a fixed seed: a side that always followed the same other would find
 * what that one leaves in the caches, code that both run among it. Confined to one thread.
 */
public final class Contest {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Threads that load graphs end when they are idle, and their time would leave the sum. */
  private static final String LOADERS = "anabranch-onnx-load";

  private static final long SEED = 20_261_130;

  private final Map<String, Runnable> sides = new LinkedHashMap<>();
  private final LongSupplier clock;
  private final Runnable settle;

  /**
   * Returns a contest that counts as busy what processors spent on the calling thread and the lanes
   * of engines.
   */
  public Contest() {
    this(Contest::busy, () -> {});
  }

  private Contest(LongSupplier clock, Runnable settle) {
    this.clock = clock;
    this.settle = settle;
  }

  /**
   * Returns a contest that counts what processors spent on this process, its compiler and its
   * collector included; that is known to 10 ms. Before each turn garbage is collected, so that no
   * side pays for what another left.
   */
  public static Contest ofProcess() {
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    return new Contest(system::getProcessCpuTime, System::gc);
  }

  /**
   * What a side took, round by round.
   *
   * @param elapsed nanoseconds that passed
   * @param busy nanoseconds that processors spent: on the calling thread and the lanes of engines,
   *     or on all threads of this process; other programs on the machine do not count
   */
  public record Times(long[] elapsed, long[] busy) {
    /** Returns the median nanoseconds that passed. */
    public long median() {
      return Math.round(Contest.median(Arrays.stream(elapsed).asDoubleStream().toArray()));
    }

    /** Returns the median nanoseconds that processors spent. */
    public long busyMedian() {
      return Math.round(Contest.median(Arrays.stream(busy).asDoubleStream().toArray()));
    }

    /** Returns how many times as long another side took: the median over the rounds. */
    public double speedUpOver(Times other) {
      return ratio(other.elapsed, elapsed);
    }

    /** Returns the same for the time of processors. */
    public double busySpeedUpOver(Times other) {
      return ratio(other.busy, busy);
    }

    /** Returns how many times as long another side took, round by round. */
    public double[] ratiosOver(Times other) {
      return ratios(other.elapsed, elapsed);
    }

    /** Returns how many times as much time of processors another side took, round by round. */
    public double[] busyRatiosOver(Times other) {
      return ratios(other.busy, busy);
    }

    private static double ratio(long[] of, long[] to) {
      return Contest.median(ratios(of, to));
    }

    private static double[] ratios(long[] of, long[] to) {
      double[] ratios = new double[of.length];
      for (int round = 0; round < of.length; round++) {
        ratios[round] = (double) of[round] / to[round];
      }
      return ratios;
    }
  }

  /** Adds a side. */
  public Contest side(String name, Runnable work) {
    sides.put(name, work);
    return this;
  }

  /**
   * Returns the times of each side, in the order in which they were added.
   *
   * @param warmUps rounds before the clock counts
   * @param rounds rounds that count, at least 1
   */
  public Map<String, Times> run(int warmUps, int rounds) {
    Map<String, Times> times = new LinkedHashMap<>();
    sides.keySet().forEach(name -> times.put(name, new Times(new long[rounds], new long[rounds])));
    List<Map.Entry<String, Runnable>> order = new ArrayList<>(sides.entrySet());
    Random random = new Random(SEED);
    for (int round = -warmUps; round < rounds; round++) {
      Collections.shuffle(order, random);
      for (Map.Entry<String, Runnable> side : order) {
        settle.run();
        long busy = clock.getAsLong();
        long start = System.nanoTime();
        side.getValue().run();
        long elapsed = System.nanoTime() - start;
        if (round >= 0) {
          times.get(side.getKey()).elapsed[round] = elapsed;
          times.get(side.getKey()).busy[round] = Math.max(1, clock.getAsLong() - busy);
        }
      }
    }
    return times;
  }

  public static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static long busy() {
    long sum = THREADS.getCurrentThreadCpuTime();
    for (long id : THREADS.getAllThreadIds()) {
      ThreadInfo thread = THREADS.getThreadInfo(id);
      String name = thread == null ? "" : thread.getThreadName();
      if (name.startsWith("anabranch-") && !name.startsWith(LOADERS)) {
        sum += Math.max(0, THREADS.getThreadCpuTime(id));
      }
    }
    return sum;
  }
}
