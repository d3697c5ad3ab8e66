package anabranch.engine.schedule;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Queues of items before the steps of a model, and the choice of the batch that runs next. It knows
 * no clock and no threads: whoever calls says what time it is. Confined to one thread at a time.
 *
 * <p>The choice: in mode {@code ADAPTIVE} a queue behind the first step whose first item waited too
 * long, that of the item that came first of all; else the deepest queue that holds an efficient
 * batch; else, and in mode {@code COMPACT} always, the deepest that holds anything. The first queue
 * is eligible while fewer rows than the limit are on their way behind it. A batch is the front of
 * its queue.
 *
 * @param <T> what waits
 */
public final class Schedule<T> {
  private final List<Deque<Entry<T>>> queues = new ArrayList<>();
  private final long[] waiting;
  private final Mode mode;
  private final Limits limits;
  private final Costs costs;
  private long running;
  private long arrivals;
  private boolean hurried;

  /** Creates empty queues. */
  public Schedule(int steps, Mode mode, Limits limits, Costs costs) {
    this.mode = mode;
    this.limits = limits;
    this.costs = costs;
    waiting = new long[steps];
    for (int step = 0; step < steps; step++) {
      queues.add(new ArrayDeque<>());
    }
  }

  /**
   * One item in a queue.
   *
   * @param item what waits
   * @param rows how many rows of it run in the step
   * @param since when it came here
   * @param arrival which item it is, counted from the first that ever came
   */
  private record Entry<T>(T item, int rows, long since, long arrival) {}

  /**
   * A batch to run.
   *
   * @param step which step
   * @param items in the order in which they came
   * @param arrivals beside the items, to be given back with those that go on
   * @param rows how many rows they have in the step
   */
  public record Batch<T>(int step, List<T> items, List<Long> arrivals, int rows) {}

  /** Takes in an item that comes first of all to some step. */
  public void arrive(int step, T item, int rows, long now) {
    enter(step, new Entry<>(item, rows, now, arrivals++));
  }

  /**
   * Takes in an item that goes on.
   *
   * @param arrival its number, from the batch that it was in
   */
  public void goOn(int step, T item, int rows, long arrival, long now) {
    enter(step, new Entry<>(item, rows, now, arrival));
  }

  private void enter(int step, Entry<T> entry) {
    queues.get(step).add(entry);
    waiting[step] += entry.rows;
  }

  /** Says that a batch is over, before its items go on. */
  public void done(Batch<T> batch) {
    running -= batch.rows;
  }

  /** Removes the items that fulfil a condition and wait in some queue; returns them. */
  public List<T> remove(Predicate<T> condition) {
    List<T> removed = new ArrayList<>();
    for (int step = 0; step < waiting.length; step++) {
      Iterator<Entry<T>> entries = queues.get(step).iterator();
      while (entries.hasNext()) {
        Entry<T> entry = entries.next();
        if (condition.test(entry.item)) {
          entries.remove();
          waiting[step] -= entry.rows;
          removed.add(entry.item);
        }
      }
    }
    return removed;
  }

  /** Lets nothing wait for company any more. */
  public void hurry() {
    hurried = true;
  }

  /** Returns how many items wait before a step. */
  public int waiting(int step) {
    return queues.get(step).size();
  }

  /** Returns whether no item waits. */
  public boolean isEmpty() {
    return queues.stream().allMatch(Deque::isEmpty);
  }

  /** Returns how many rows are on their way: those that run, and those that wait behind a step. */
  public long inFlight() {
    long sum = running;
    for (int step = 1; step < waiting.length; step++) {
      sum += waiting[step];
    }
    return sum;
  }

  /** Takes out the batch that runs next; null where nothing may run now. */
  public @Nullable Batch<T> next(long now) {
    int step = -1;
    if (mode == Mode.ADAPTIVE) {
      step = urgent(now);
      step = step < 0 ? deepest(now, true) : step;
    }
    if (step < 0) {
      step = deepest(now, false);
    }
    return step < 0 ? null : take(step);
  }

  /**
   * Returns when {@link #next} may give a batch although nothing happens before; {@code
   * Long.MAX_VALUE} for never.
   */
  public long wakeAt() {
    Entry<T> first = queues.get(0).peek();
    return first == null || inFlight() >= limits.inFlight()
        ? Long.MAX_VALUE
        : first.since + limits.linger();
  }

  private int urgent(long now) {
    int found = -1;
    double patience = limits.patience() * costs.longest();
    if (patience == 0) {
      return found;
    }
    long earliest = Long.MAX_VALUE;
    for (int step = waiting.length - 1; step >= 1; step--) {
      Entry<T> first = queues.get(step).peek();
      if (first != null && now - first.since >= patience && first.arrival < earliest) {
        found = step;
        earliest = first.arrival;
      }
    }
    return found;
  }

  private int deepest(long now, boolean efficient) {
    for (int step = waiting.length - 1; step >= 0; step--) {
      boolean eligible = step == 0 ? enters(now) : !queues.get(step).isEmpty();
      if (eligible && (!efficient || waiting[step] >= efficientRows(step))) {
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
    Entry<T> first = queues.get(0).peek();
    return first != null
        && inFlight() < limits.inFlight()
        && (hurried || waiting[0] >= limits.batchRows() || now - first.since >= limits.linger());
  }

  private Batch<T> take(int step) {
    List<T> items = new ArrayList<>();
    List<Long> numbers = new ArrayList<>();
    int rows = 0;
    Deque<Entry<T>> queue = queues.get(step);
    while (!queue.isEmpty() && rows < limits.batchRows()) {
      Entry<T> entry = queue.remove();
      items.add(entry.item);
      numbers.add(entry.arrival);
      rows += entry.rows;
    }
    waiting[step] -= rows;
    running += rows;
    return new Batch<>(step, items, numbers, rows);
  }
}
