package anabranch.onnx.crew;

import java.util.Arrays;

/**
 * Rows of calls, cut such that several threads that take part after part end at about the same
 * time: calls with more rows first, each as a whole unless the thread that is free first would end
 * later than if all had the same; what is beyond that is left to the next. The same for the same
 * numbers of rows. Immutable.
 */
public final class Parts {
  private static final int ROOM = 8;

  private final int least;
  private int count;
  private int[] call;
  private int[] first;
  private int[] rows;

  private Parts(int least, int calls) {
    this.least = least;
    call = new int[calls + ROOM];
    first = new int[call.length];
    rows = new int[call.length];
  }

  /**
   * Cuts calls.
   *
   * @param counts how many rows each has; calls without any get no part
   * @param threads how many share them
   * @param least how many rows are worth a part of their own
   */
  public static Parts of(int[] counts, int threads, int least) {
    long[] order = new long[counts.length];
    int all = 0;
    for (int i = 0; i < counts.length; i++) {
      order[i] = (long) counts[i] << Integer.SIZE | counts.length - 1 - i;
      all += counts[i];
    }
    Arrays.sort(order);
    Parts parts = new Parts(least, counts.length);
    int[] loads = new int[threads];
    int share = (all + threads - 1) / threads;
    for (int i = order.length - 1; i >= 0 && order[i] >>> Integer.SIZE > 0; i--) {
      int call = counts.length - 1 - (int) order[i];
      parts.cut(call, counts[call], loads, share);
    }
    return parts;
  }

  private void cut(int of, int all, int[] loads, int share) {
    int from = 0;
    while (from < all) {
      int free = leastLoaded(loads);
      int left = all - from;
      int beyond = loads[free] + left - share;
      int taken = beyond < least || left < 2 * least ? left : Math.max(least, left - beyond);
      add(of, from, taken);
      loads[free] += taken;
      from += taken;
    }
  }

  private static int leastLoaded(int[] loads) {
    int free = 0;
    for (int i = 1; i < loads.length; i++) {
      free = loads[i] < loads[free] ? i : free;
    }
    return free;
  }

  private void add(int of, int from, int taken) {
    if (count == call.length) {
      call = Arrays.copyOf(call, 2 * count);
      first = Arrays.copyOf(first, 2 * count);
      rows = Arrays.copyOf(rows, 2 * count);
    }
    call[count] = of;
    first[count] = from;
    rows[count++] = taken;
  }

  /** Returns how many parts there are. */
  public int count() {
    return count;
  }

  /** Returns whose rows a part has. */
  public int call(int part) {
    return call[part];
  }

  /** Returns the number of its first row in its call. */
  public int first(int part) {
    return first[part];
  }

  /** Returns how many rows it has. */
  public int rows(int part) {
    return rows[part];
  }
}
