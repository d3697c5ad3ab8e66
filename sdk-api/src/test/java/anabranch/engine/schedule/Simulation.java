package anabranch.engine.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One lane under a virtual clock: items arrive at random, each runs through the steps until it
 * leaves, and after every event the rules of scheduling are checked against queues of its own.
 */
final class Simulation {
  static final int STEPS = 4;
  static final long FILL_BYTES = 8;

  /** What stands between the lane and the schedule; faults change it. */
  interface Desk {
    Schedule.@Nullable Batch<Integer> next(Schedule<Integer> schedule, long now);

    default void cancel(Schedule<Integer> schedule, int item) {
      schedule.remove(waiting -> waiting == item);
    }

    default void fill(Schedule<Integer> schedule, int step, int item, long now) {
      schedule.fill(step, item, 1, false);
    }

    /**
     * Returns whether an item leaves that is on its way for some time; its policy says so or not.
     */
    default boolean leaves(boolean policy, long age) {
      return policy;
    }
  }

  /**
   * What happens.
   *
   * @param items how many arrive
   * @param load share of what the lane could do at full depth; above 1 for more than that
   * @param leaves share of the items that leave behind each inner step
   * @param cancels share of the items that are cancelled at some time
   * @param fills share of those that leave early and are read by others at the steps behind
   * @param fixed what a batch costs whatever its rows
   * @param each what a row costs
   */
  record Traffic(
      int items,
      double load,
      double leaves,
      double cancels,
      double fills,
      double fixed,
      double each) {
    Traffic(int items, double load, double leaves, double cancels, double fixed, double each) {
      this(items, load, leaves, cancels, 0, fixed, each);
    }

    double cost(int rows) {
      return fixed + each * rows;
    }
  }

  private final Schedule<Integer> schedule;
  private final Desk desk;
  private final Mode mode;
  private final Limits promised;
  private final Costs costs;
  private final Traffic traffic;
  private final SplittableRandom random;
  private final List<Deque<Integer>> queues = new ArrayList<>();
  private final long[] since;
  private final long[] arrived;
  private final int[] number;
  private final int[] depth;
  private final Set<Integer> filling = new HashSet<>();
  private final List<String> log = new ArrayList<>();
  private final List<Long> latencies = new ArrayList<>();
  private long now;
  private long longestWait;
  private long busy;
  private int left;

  /** Creates a lane whose items know from the beginning behind which step they leave. */
  Simulation(Mode mode, Limits given, Limits promised, Traffic traffic, long seed, Desk desk) {
    this.mode = mode;
    this.promised = promised;
    this.traffic = traffic;
    this.desk = desk;
    random = new SplittableRandom(seed);
    costs = new Costs(STEPS, 0.25);
    schedule =
        new Schedule<>(STEPS, mode, given, costs, () -> 0, () -> FILL_BYTES * filling.size());
    for (int step = 0; step < STEPS; step++) {
      queues.add(new ArrayDeque<>());
    }
    since = new long[traffic.items];
    arrived = new long[traffic.items];
    number = new int[traffic.items];
    depth = new int[traffic.items];
    for (int item = 0; item < traffic.items; item++) {
      while (depth[item] < STEPS - 1 && random.nextDouble() >= traffic.leaves) {
        depth[item]++;
      }
    }
  }

  static Simulation of(Mode mode, Limits limits, Traffic traffic, long seed) {
    return new Simulation(mode, limits, limits, traffic, seed, Schedule::next);
  }

  /** Runs until all items left. */
  Simulation run() {
    double gap = STEPS * traffic.cost(promised.batchRows()) / promised.batchRows() / traffic.load;
    int coming = 0;
    double next = 0;
    while (left < traffic.items) {
      while (coming < traffic.items && next <= now) {
        arrived[coming] = (long) next;
        since[coming] = now;
        number[coming] = coming;
        queues.get(0).add(coming);
        schedule.arrive(0, coming, 1, now);
        coming++;
        next += -gap * Math.log(1 - random.nextDouble());
      }
      maybeCancel();
      Schedule.Batch<Integer> batch = desk.next(schedule, now);
      if (batch == null) {
        assertFalse(mayRun(), "idle at " + now + " with work before steps " + queues);
        long come = coming < traffic.items ? (long) Math.ceil(next) : Long.MAX_VALUE;
        long wake = Math.min(come, schedule.wakeAt());
        assertTrue(wake < Long.MAX_VALUE, "stops with items before the steps " + queues);
        now = Math.max(now + 1, wake);
        continue;
      }
      check(batch);
      long time = (long) traffic.cost(Math.max(1, batch.rows()));
      now += time;
      busy += time;
      schedule.done(batch);
      costs.took(batch.step(), batch.rows(), time);
      goOn(batch);
      for (int item : batch.fills()) {
        owe(item, batch.step() + 1);
      }
      long most = promised.fillBytes() + FILL_BYTES * promised.batchRows();
      assertTrue(
          promised.fillBytes() == Long.MAX_VALUE || FILL_BYTES * filling.size() <= most,
          filling.size() + " fills wait");
    }
    return this;
  }

  private void maybeCancel() {
    if (random.nextDouble() >= traffic.cancels) {
      return;
    }
    int step = random.nextInt(STEPS);
    Integer item = queues.get(step).peekLast();
    if (item != null) {
      queues.get(step).removeLast();
      desk.cancel(schedule, item);
      left++;
    }
  }

  private boolean mayRun() {
    for (int step = 1; step < STEPS; step++) {
      if (!queues.get(step).isEmpty()) {
        return true;
      }
    }
    return !queues.get(0).isEmpty() && now - since[queues.get(0).peek()] >= promised.linger();
  }

  private void check(Schedule.Batch<Integer> batch) {
    Deque<Integer> queue = queues.get(batch.step());
    long before = inFlight();
    assertTrue(batch.rows() + batch.fills().size() >= 1, "an empty batch");
    assertTrue(batch.rows() <= promised.batchRows(), "rows " + batch.rows());
    boolean full = FILL_BYTES * filling.size() > promised.fillBytes();
    assertEquals(full, batch.reason() == Schedule.Reason.FILL, "whether fills can wait");
    assertTrue(
        batch.step() > 0 || batch.rows() == 0 || before < promised.inFlight(),
        "enters with " + before + " in flight");
    for (int item : batch.items()) {
      assertEquals(queue.poll(), item, "the order before step " + batch.step());
      if (batch.step() > 0) {
        longestWait = Math.max(longestWait, now - since[item]);
      }
    }
    int rows = batch.step() == 0 ? batch.rows() : 0;
    assertTrue(
        before + rows <= promised.inFlight() + promised.batchRows() - 1, "in flight " + before);
    assertEquals(before + rows, schedule.inFlight(), "in flight as the schedule counts");
    log.add(now + " " + batch.step() + " " + batch.items());
  }

  private long inFlight() {
    return queues.stream().skip(1).mapToLong(Deque::size).sum();
  }

  private void goOn(Schedule.Batch<Integer> batch) {
    for (int i = 0; i < batch.items().size(); i++) {
      int item = batch.items().get(i);
      if (desk.leaves(depth[item] == batch.step(), now - arrived[item])) {
        assertEquals(depth[item], batch.step(), "an exit that no policy decided");
        left++;
        if (random.nextDouble() < traffic.fills) {
          owe(item, batch.step() + 1);
        }
        latencies.add(now - arrived[item]);
      } else {
        since[item] = now;
        queues.get(batch.step() + 1).add(item);
        schedule.goOn(batch.step() + 1, item, 1, batch.arrivals().get(i), now);
      }
    }
  }

  private void owe(int item, int step) {
    filling.remove(item);
    if (step < STEPS) {
      filling.add(item);
      desk.fill(schedule, step, item, now);
    }
  }

  Mode mode() {
    return mode;
  }

  List<String> log() {
    return log;
  }

  /** Returns how long the first item of an inner queue waited at most. */
  long longestWait() {
    return longestWait;
  }

  /** Returns how many items left for each unit of time that the lane worked. */
  double throughput() {
    return (double) latencies.size() / busy;
  }

  /** Returns the time that a share of the items took at most. */
  long latency(double share) {
    long[] sorted = latencies.stream().mapToLong(Long::longValue).toArray();
    Arrays.sort(sorted);
    return sorted[(int) Math.min(sorted.length - 1, share * sorted.length)];
  }
}
