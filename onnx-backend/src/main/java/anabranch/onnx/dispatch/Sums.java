package anabranch.onnx.dispatch;

import anabranch.onnx.crew.Crew;
import anabranch.onnx.memory.Touch;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What the members that rows were sent to make of each row, added up where the result belongs and
 * in the order in which it is given, so that a row's sum has the same bits whatever its companions.
 * A row begins with what its sum is added to, and ends with what every row gets: sums of many rows
 * lie in far memory, where a pass for that alone would cost more than what it adds. Confined to one
 * call.
 */
public final class Sums {
  private static final byte BEGUN = 1;
  private static final byte ENDED = 2;

  /** So many rows of a member are brought near together, their sums and what ends them. */
  private static final int TOGETHER = 8;

  private final FloatBuffer into;
  private final @Nullable FloatBuffer from;
  private final int width;
  private final Rest rest;
  private final boolean several;
  private final byte[] state;
  private final float[] sum;
  private final float[] vector;

  /** The row whose sum is not written yet, because the next member may be its own too; or -1. */
  private int open = -1;

  /** Of no meaning: what is read and never used would not be read. */
  private int touched;

  /**
   * What every row gets behind its members, in this order.
   *
   * @param constant for every row; empty for nothing
   * @param each for each row; null for nothing
   */
  public record Rest(float[] constant, @Nullable FloatBuffer each) {
    /** Nothing. */
    public static final Rest NONE = new Rest(new float[0], null);
  }

  /**
   * Starts with no member; one dispatch is added.
   *
   * @param into where sums are written
   * @param from what each row starts with, which may be where its sum is written; null for zeros
   */
  public Sums(FloatBuffer into, @Nullable FloatBuffer from, int rows, int width, Rest rest) {
    this(into, from, width, rest, false, new byte[rows]);
  }

  private Sums(
      FloatBuffer into,
      @Nullable FloatBuffer from,
      int width,
      Rest rest,
      boolean several,
      byte[] state) {
    this.into = into;
    this.from = from;
    this.width = width;
    this.rest = rest;
    this.several = several;
    this.state = state;
    sum = new float[width];
    vector = new float[width];
  }

  /** Starts like the other, where several dispatches add to the same rows. */
  public static Sums ofSeveral(
      FloatBuffer into, @Nullable FloatBuffer from, int rows, int width, Rest rest) {
    return new Sums(into, from, width, rest, true, new byte[rows]);
  }

  /**
   * Adds what was made of some slots, in their order.
   *
   * @param first the first slot
   * @param results of these slots, from the start
   * @param weigh whether gates multiply them
   */
  public void add(Dispatch dispatch, int first, int count, FloatBuffer results, boolean weigh) {
    int end = first + count;
    for (int slot = first; slot < end; slot++) {
      if (count > 1 && (slot - first) % TOGETHER == 0) {
        touch(dispatch, slot, Math.min(end, slot + TOGETHER));
      }
      boolean last = !several && dispatch.isLast(slot);
      add(dispatch.row(slot), results, slot - first, weigh ? dispatch.gate(slot) : 1, last);
    }
  }

  private void touch(Dispatch dispatch, int first, int end) {
    for (int slot = first; slot < end; slot++) {
      int at = dispatch.row(slot) * width;
      touched ^= Touch.of(into, at, width);
      if (from != null && from != into && state[dispatch.row(slot)] == 0) {
        touched ^= Touch.of(from, at, width);
      }
    }
  }

  /**
   * Adds what was made of all slots, row by row, and ends rows that have any; the crew shares them.
   *
   * @param results by slot
   * @param weigh whether gates multiply them
   */
  public void add(Dispatch dispatch, FloatBuffer results, boolean weigh, Crew crew) {
    int rows = state.length;
    int parts = Math.min(rows, crew.threads());
    crew.run(
        parts,
        part -> {
          int end = (int) ((part + 1L) * rows / parts);
          Sums own = new Sums(into, from, width, rest, several, state);
          for (int row = (int) ((long) part * rows / parts); row < end; row++) {
            int count = dispatch.experts(row);
            for (int i = 0; i < count; i++) {
              int slot = dispatch.slot(row, i);
              own.add(
                  row, results, slot, weigh ? dispatch.gate(slot) : 1, !several && i + 1 == count);
            }
          }
        });
  }

  /**
   * Adds to one row.
   *
   * @param results vector after vector
   * @param at which of them
   * @param weight multiplies it
   * @param last whether it ends the row
   */
  public void add(int row, FloatBuffer results, int at, float weight, boolean last) {
    results.get(at * width, vector);
    if (row != open) {
      leave();
      begin(row);
    }
    // Arrays with one index for both: what the compiler of the JVM makes vectors of.
    for (int c = 0; c < sum.length; c++) {
      sum[c] += weight * vector[c];
    }
    if (last) {
      open = -1;
      end(row);
    } else {
      state[row] = BEGUN;
      open = row;
    }
  }

  private void leave() {
    if (open >= 0) {
      into.put(open * width, sum);
      open = -1;
    }
  }

  /**
   * Ends all rows that have not ended; those without a member start, and get what every row does.
   */
  public void end() {
    leave();
    boolean nothing = rest.constant.length == 0 && rest.each == null;
    for (int row = 0; row < state.length; row++) {
      boolean written = state[row] == BEGUN || state[row] == 0 && from == into;
      if (state[row] != ENDED && !(written && nothing)) {
        begin(row);
        end(row);
      }
    }
  }

  private void begin(int row) {
    FloatBuffer at = state[row] == 0 ? from : into;
    if (at == null) {
      Arrays.fill(sum, 0);
    } else {
      at.get(row * width, sum);
    }
  }

  private void end(int row) {
    state[row] = ENDED;
    add(rest.constant);
    add(rest.each, row);
    into.put(row * width, sum);
  }

  private void add(@Nullable FloatBuffer each, int row) {
    if (each != null) {
      each.get(row * width, vector);
      add(vector);
    }
  }

  private void add(float[] numbers) {
    for (int c = 0; c < numbers.length; c++) {
      sum[c] += numbers[c];
    }
  }
}
