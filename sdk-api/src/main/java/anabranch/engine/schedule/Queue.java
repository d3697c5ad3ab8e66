package anabranch.engine.schedule;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What waits before one step: items, first come first served, and fills, which ride along. Confined
 * to one thread at a time.
 */
final class Queue<T> {
  private final Deque<Entry<T>> entries = new ArrayDeque<>();
  private final Map<T, Fill> fills = new LinkedHashMap<>();
  private long rows;
  private int urgentFills;

  /** No entry is urgent before this. */
  private long earliest = Long.MAX_VALUE;

  /** One item in a queue. */
  static final class Entry<T> {
    final T item;
    final int rows;
    final long since;
    final long arrival;
    private long urgentAt;

    /**
     * Creates an entry.
     *
     * @param rows how many rows of the item run in the step
     * @param since when it came here
     * @param arrival which item it is, counted from the first that ever came
     * @param urgentAt when it becomes urgent, whatever comes before it
     */
    Entry(T item, int rows, long since, long arrival, long urgentAt) {
      this.item = item;
      this.rows = rows;
      this.since = since;
      this.arrival = arrival;
      this.urgentAt = urgentAt;
    }
  }

  /** Rows that wait for company. */
  private record Fill(int rows, boolean urgent) {}

  void add(Entry<T> entry) {
    entries.add(entry);
    rows += entry.rows;
    earliest = Math.min(earliest, entry.urgentAt);
  }

  void fill(T item, int count, boolean urgent) {
    unfill(item);
    fills.put(item, new Fill(count, urgent));
    urgentFills += urgent ? 1 : 0;
  }

  void unfill(T item) {
    Fill fill = fills.remove(item);
    urgentFills -= fill != null && fill.urgent ? 1 : 0;
  }

  boolean isEmpty() {
    return entries.isEmpty();
  }

  int size() {
    return entries.size();
  }

  long rows() {
    return rows;
  }

  boolean hasFills() {
    return !fills.isEmpty();
  }

  boolean hasUrgentFills() {
    return urgentFills > 0;
  }

  @Nullable Entry<T> first() {
    return entries.peek();
  }

  /** Returns when some item becomes urgent, whatever comes before it. */
  long earliest() {
    return earliest;
  }

  /** Returns the number of the urgent item that came first of all; {@code MAX_VALUE} if none. */
  long urgent(long now) {
    long found = Long.MAX_VALUE;
    if (now >= earliest) {
      for (Entry<T> entry : entries) {
        found = now >= entry.urgentAt ? Math.min(found, entry.arrival) : found;
      }
    }
    return found;
  }

  void urge(Predicate<T> condition, long now) {
    for (Entry<T> entry : entries) {
      if (condition.test(entry.item)) {
        entry.urgentAt = Math.min(entry.urgentAt, now);
        earliest = Math.min(earliest, entry.urgentAt);
      }
    }
  }

  void remove(Predicate<T> condition, List<T> into) {
    Iterator<Entry<T>> all = entries.iterator();
    while (all.hasNext()) {
      Entry<T> entry = all.next();
      if (condition.test(entry.item)) {
        all.remove();
        rows -= entry.rows;
        into.add(entry.item);
      }
    }
    look();
  }

  /** Moves the front into a batch that takes further items while it has fewer rows than that. */
  int take(int limit, List<T> items, List<Long> numbers) {
    int taken = 0;
    while (!entries.isEmpty() && taken < limit) {
      Entry<T> entry = entries.remove();
      items.add(entry.item);
      numbers.add(entry.arrival);
      taken += entry.rows;
    }
    rows -= taken;
    look();
    return taken;
  }

  void takeFills(int limit, List<T> into) {
    int taken = 0;
    Iterator<Map.Entry<T, Fill>> all = fills.entrySet().iterator();
    while (all.hasNext() && taken < limit) {
      Map.Entry<T, Fill> each = all.next();
      all.remove();
      taken += each.getValue().rows;
      urgentFills -= each.getValue().urgent ? 1 : 0;
      into.add(each.getKey());
    }
  }

  private void look() {
    if (earliest < Long.MAX_VALUE) {
      earliest = Long.MAX_VALUE;
      for (Entry<T> entry : entries) {
        earliest = Math.min(earliest, entry.urgentAt);
      }
    }
  }
}
