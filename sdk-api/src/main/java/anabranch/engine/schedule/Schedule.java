package anabranch.engine.schedule;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Queues of items before the steps of a model, and the choice of the batch that runs next. It knows
 * no clock and no threads: whoever calls says what time it is. Confined to one thread at a time.
 *
 * <p>The choice: fills that cannot wait; else the queue with the urgent item that came first of
 * all; else, in mode {@code ADAPTIVE}, the deepest queue that holds an efficient batch; else the
 * deepest that holds anything. Items are urgent that say so, and in mode {@code ADAPTIVE} those
 * that waited too long behind the first step. The first queue is eligible while fewer rows and
 * bytes than the limits are on their way behind it. A batch is the front of its queue, and the
 * fills beside it.
 *
 * @param <T> what waits
 */
public final class Schedule<T> {
  private final List<Queue<T>> queues = new ArrayList<>();
  private final Mode mode;
  private final Limits limits;
  private final Costs costs;
  private final LongSupplier moving;
  private final LongSupplier filling;
  private long inFlight;
  private long arrivals;
  private boolean hurried;
  private boolean quiet;

  /**
   * Creates empty queues.
   *
   * @param moving the bytes that items on their way hold now
   * @param filling the bytes that fills hold now
   */
  public Schedule(
      int steps, Mode mode, Limits limits, Costs costs, LongSupplier moving, LongSupplier filling) {
    this.mode = mode;
    this.limits = limits;
    this.costs = costs;
    this.moving = moving;
    this.filling = filling;
    for (int step = 0; step < steps; step++) {
      queues.add(new Queue<>());
    }
  }

  /** Creates empty queues of items that hold nothing. */
  public Schedule(int steps, Mode mode, Limits limits, Costs costs) {
    this(steps, mode, limits, costs, () -> 0, () -> 0);
  }

  /** Why a batch runs. */
  public enum Reason {
    /** Some item waited too long, has little time left, or belongs to a lease that drains. */
    URGENT,
    /** It is an efficient one. */
    EFFICIENT,
    /** Nothing better could be done. */
    NEXT,
    /** Fills hold too much, or somebody waits for them. */
    FILL
  }

  /**
   * A batch to run.
   *
   * @param step which step
   * @param reason why it runs
   * @param items in the order in which they came
   * @param arrivals beside the items, to be given back with those that go on
   * @param fills what rides along; taken out of their queue, and to be put back if more is owed
   * @param rows how many rows the items have in the step
   * @param waited how long the first item waited here; 0 without one
   */
  public record Batch<T>(
      int step,
      Reason reason,
      List<T> items,
      List<Long> arrivals,
      List<T> fills,
      int rows,
      long waited) {}

  /**
   * Takes in an item that comes first of all to some step.
   *
   * @param urgentAt when it becomes urgent; {@code Long.MAX_VALUE} for never
   */
  public void arrive(int step, T item, int rows, long now, long urgentAt) {
    enter(step, new Queue.Entry<>(item, rows, now, arrivals++, urgentAt));
  }

  /** Takes in an item that has all the time there is. */
  public void arrive(int step, T item, int rows, long now) {
    arrive(step, item, rows, now, Long.MAX_VALUE);
  }

  /**
   * Takes in an item that goes on.
   *
   * @param arrival its number, from the batch that it was in
   * @param urgentAt when it becomes urgent; {@code Long.MAX_VALUE} for never
   */
  public void goOn(int step, T item, int rows, long arrival, long now, long urgentAt) {
    enter(step, new Queue.Entry<>(item, rows, now, arrival, urgentAt));
  }

  /** Takes in an item that goes on and has all the time there is. */
  public void goOn(int step, T item, int rows, long arrival, long now) {
    goOn(step, item, rows, arrival, now, Long.MAX_VALUE);
  }

  private void enter(int step, Queue.Entry<T> entry) {
    queues.get(step).add(entry);
    inFlight += step > 0 ? entry.rows : 0;
  }

  /**
   * Lets rows ride along with the next batch of a step: they are in nobody's way, and count in no
   * bound on rows.
   *
   * @param urgent whether a batch may be made of them alone
   */
  public void fill(int step, T item, int rows, boolean urgent) {
    queues.get(step).fill(item, rows, urgent);
  }

  /** Takes back what waits as a fill. */
  public void unfill(int step, T item) {
    queues.get(step).unfill(item);
  }

  /** Says that a batch is over, before its items go on. */
  public void done(Batch<T> batch) {
    inFlight -= batch.rows;
  }

  /** Removes the items that fulfil a condition and wait in some queue; returns them. */
  public List<T> remove(Predicate<T> condition) {
    List<T> removed = new ArrayList<>();
    for (int step = 0; step < queues.size(); step++) {
      long before = queues.get(step).rows();
      queues.get(step).remove(condition, removed);
      inFlight -= step > 0 ? before - queues.get(step).rows() : 0;
    }
    return removed;
  }

  /** Makes the items that fulfil a condition and wait in some queue urgent. */
  public void urge(Predicate<T> condition, long now) {
    queues.forEach(queue -> queue.urge(condition, now));
  }

  /** Lets nothing wait for company any more. */
  public void hurry() {
    hurried = true;
  }

  /** Says whether nobody brings company now, so that nothing is to wait for it. */
  public void quiet(boolean nobodyComes) {
    quiet = nobodyComes;
  }

  /** Returns how many items wait before a step. */
  public int waiting(int step) {
    return queues.get(step).size();
  }

  /** Returns whether no item waits; fills may. */
  public boolean isEmpty() {
    return queues.stream().allMatch(queue -> queue.isEmpty() && !queue.hasUrgentFills());
  }

  /** Returns how many rows are on their way: those that run, and those that wait behind a step. */
  public long inFlight() {
    return inFlight;
  }

  /** Takes out the batch that runs next; null where nothing may run now. */
  public @Nullable Batch<T> next(long now) {
    int step = filled();
    if (step >= 0) {
      return take(step, Reason.FILL, now);
    }
    step = urgent(now);
    if (step >= 0) {
      return take(step, Reason.URGENT, now);
    }
    if (merges()) {
      step = deepest(now, true);
      if (step >= 0) {
        return take(step, Reason.EFFICIENT, now);
      }
    }
    step = deepest(now, false);
    return step < 0 ? null : take(step, Reason.NEXT, now);
  }

  /**
   * Returns when {@link #next} may give a batch of the first queue although nothing happens before;
   * a time that has passed if it would now, {@code Long.MAX_VALUE} for never.
   */
  public long wakeAt() {
    Queue.Entry<T> first = queues.get(0).first();
    if (first == null || !room()) {
      return Long.MAX_VALUE;
    }
    long alone = hasCompany() ? first.since : first.since + limits.linger();
    return Math.min(alone, queues.get(0).earliest());
  }

  /** Returns the deepest step of fills that cannot wait. */
  private int filled() {
    boolean full = filling.getAsLong() > limits.fillBytes();
    int step = queues.size() - 1;
    while (step >= 0 && !(full ? queues.get(step).hasFills() : queues.get(step).hasUrgentFills())) {
      step--;
    }
    return step;
  }

  private boolean merges() {
    return mode == Mode.ADAPTIVE && costs.merging();
  }

  private int urgent(long now) {
    int found = -1;
    double patience = merges() ? limits.patience() * costs.longest() : 0;
    long earliest = Long.MAX_VALUE;
    for (int step = queues.size() - 1; step >= 0; step--) {
      Queue<T> queue = queues.get(step);
      Queue.Entry<T> first = queue.first();
      if (first == null || step == 0 && !room()) {
        continue;
      }
      long urgent = queue.urgent(now);
      if (patience > 0 && step > 0 && now - first.since >= patience) {
        urgent = Math.min(urgent, first.arrival);
      }
      if (urgent < earliest) {
        found = step;
        earliest = urgent;
      }
    }
    return found;
  }

  private int deepest(long now, boolean efficient) {
    for (int step = queues.size() - 1; step >= 0; step--) {
      boolean eligible = step == 0 ? enters(now) : !queues.get(step).isEmpty();
      if (eligible && (!efficient || queues.get(step).rows() >= efficientRows(step))) {
        return step;
      }
    }
    return -1;
  }

  private int efficientRows(int step) {
    return Math.min(limits.batchRows(), costs.efficientRows(step));
  }

  /** Returns whether the first queue may be taken from: there is room behind, and company came. */
  private boolean enters(long now) {
    Queue.Entry<T> first = queues.get(0).first();
    return first != null && room() && (hasCompany() || now - first.since >= limits.linger());
  }

  /** Returns whether what waits before the first step waits for nobody else. */
  private boolean hasCompany() {
    return hurried || quiet || queues.get(0).rows() >= limits.batchRows();
  }

  private boolean room() {
    return inFlight < limits.inFlight()
        && (inFlight == 0 || moving.getAsLong() < limits.inFlightBytes());
  }

  private Batch<T> take(int step, Reason reason, long now) {
    Queue<T> queue = queues.get(step);
    Queue.Entry<T> first = queue.first();
    List<T> items = new ArrayList<>();
    List<Long> numbers = new ArrayList<>();
    List<T> fills = new ArrayList<>();
    int rows = step == 0 && !room() ? 0 : queue.take(limits.batchRows(), items, numbers);
    queue.takeFills(limits.batchRows(), fills);
    inFlight += step == 0 ? rows : 0;
    long waited = items.isEmpty() || first == null ? 0 : now - first.since;
    return new Batch<>(step, reason, items, numbers, fills, rows, waited);
  }
}
