package anabranch.onnx.state;

import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Lent;
import anabranch.weights.Halves;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of one sequence in one attention, one vector after the other in the order of the
 * rows that show them.
 *
 * <p>Room is counted in whole tiles: the core reads keys tile by tile, and what lies behind the
 * last row in its tile is zero. A page of an image has the positions of some rows of one tile,
 * their keys, their values: the fewer bytes it has, the fewer are written again for a row that
 * came. Tiles that nobody reads any more are let go; the pages of those behind them move up, and
 * keep their numbers. The last tile stays.
 */
public final class KeyValues implements Kept {
  /** How many rows make a tile. */
  public static final int TILE = 64;

  /** What the keys and values of a page may have where more than one row does. */
  static final int PAGE_BYTES = 32 << 10;

  private static final float[] ZEROS = new float[1024];

  private final BufferPool pool;
  private final int keyWidth;
  private final int valueWidth;
  private final boolean halves;
  private final int pageRows;
  private int[] positions = new int[0];
  private long[] stamps = new long[0];
  private int published;
  private int written;

  /** How many rows lie before those that were let go, and how many these were. */
  private int head;

  private int gone;

  /** Behind the last row there are zeros up to this number, where it is larger. */
  private int zeroTo;

  private @Nullable Lent keys;
  private @Nullable Lent values;

  /**
   * Creates an empty store.
   *
   * @param keyWidth length of a row's keys
   * @param valueWidth length of a row's values; 0 where they are part of the keys
   * @param halves whether numbers are rounded to 16 bits, in which pages have them
   */
  public KeyValues(BufferPool pool, int keyWidth, int valueWidth, boolean halves) {
    this.pool = pool;
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
    this.halves = halves;
    int row = Math.max(1, numberBytes() * (keyWidth + valueWidth));
    pageRows = Integer.highestOneBit(Math.max(1, Math.min(TILE, PAGE_BYTES / row)));
  }

  /** Returns how many pages the rows of a whole tile take. */
  int tilePages() {
    return TILE / pageRows;
  }

  /** Returns the number of rows up to the end of the tile that holds row {@code index}. */
  public static int tileEnd(int index) {
    return (index / TILE + 1) * TILE;
  }

  /** Returns the number of rows up to the beginning of the tile that holds row {@code index}. */
  public static int tileStart(int index) {
    return index / TILE * TILE;
  }

  /** Returns how many rows are published and were not let go. */
  public int published() {
    return published;
  }

  /** Returns how many rows there are, those of the present call included, in its numbering. */
  public int written() {
    return written;
  }

  /** Makes room for that many rows behind those that are written. */
  public void reserve(int rows) {
    int all = written + rows;
    if (all > 0) {
      long rooms = tileEnd(all - 1);
      keys = grown(keys, rooms * keyWidth, keyWidth);
      values = grown(values, rooms * valueWidth, valueWidth);
    }
    if (positions.length < all) {
      positions = Arrays.copyOf(positions, Math.max(all, 2 * positions.length));
    }
  }

  /** Writes a row from packed keys and values. */
  public void add(int position, FloatBuffer packedKeys, FloatBuffer packedValues, int place) {
    keys().put(written * keyWidth, packedKeys, place * keyWidth, keyWidth);
    values().put(written * valueWidth, packedValues, place * valueWidth, valueWidth);
    if (halves) {
      round(keys(), written * keyWidth, keyWidth);
      round(values(), written * valueWidth, valueWidth);
    }
    positions[written++] = position;
  }

  /**
   * Adds a row whose keys and values were written already where the next ones belong: behind those
   * that are there, in room that was reserved, and in numbers that are not rounded.
   */
  public void add(int position) {
    positions[written++] = position;
  }

  /** Returns whether keys and values are rounded to 16 bits. */
  public boolean rounds() {
    return halves;
  }

  /** Writes a row that shows what it showed elsewhere; nothing where it showed nothing. */
  public void add(int position, KeyValues elsewhere) {
    int index = Arrays.binarySearch(elsewhere.positions, 0, elsewhere.written, position);
    if (index >= 0) {
      add(position, elsewhere.keys(), elsewhere.values(), index);
    }
  }

  /**
   * Lets go of the tiles whose rows all are at some positions, once everything is published. What
   * follows has other numbers from now on.
   *
   * @param from the first position that nobody reads any more
   * @param to behind the last
   * @return the numbers of their pages
   */
  IntStream forget(int from, int to) {
    int start = gone > 0 ? head : roundedUp(indexOf(from));
    int end = start;
    while (end + TILE < published && positions[end + TILE - 1] < to) {
      end += TILE;
    }
    int first = (start + gone) / pageRows;
    int pages = (end - start) / pageRows;
    if (pages > 0) {
      head = start;
      gone += end - start;
      moveUp(start, end);
    }
    return IntStream.range(first, first + pages);
  }

  /** Returns the number of the first row at a position or behind it. */
  private int indexOf(int position) {
    int found = Arrays.binarySearch(positions, 0, written, position);
    return found < 0 ? -found - 1 : found;
  }

  private static int roundedUp(int rows) {
    return (rows + TILE - 1) / TILE * TILE;
  }

  /** Returns how many pages have that many rows. */
  private int pages(int rows) {
    return (rows + pageRows - 1) / pageRows;
  }

  private void moveUp(int start, int end) {
    int rest = written - end;
    System.arraycopy(positions, end, positions, start, rest);
    System.arraycopy(stamps, end / pageRows, stamps, start / pageRows, pages(rest));
    keys = movedUp(reserved(keys), start, end, keyWidth);
    values = movedUp(reserved(values), start, end, valueWidth);
    written = start + rest;
    published = written;
    zeroTo = 0;
    if (positions.length > 4 * roundedUp(written)) {
      positions = Arrays.copyOf(positions, 2 * roundedUp(written));
      stamps = Arrays.copyOf(stamps, 2 * pages(roundedUp(written)));
    }
  }

  /** Moves whole tiles up, into a smaller buffer where less than a quarter would be used. */
  private Lent movedUp(Lent old, int start, int end, int width) {
    int rest = roundedUp(written) - end;
    Lent into = old;
    if (4L * (start + rest) * width < old.floats().capacity()) {
      Lent smaller = pool.take((long) (start + rest) * width);
      if (smaller.bytes() < old.bytes()) {
        smaller.floats().put(0, old.floats(), 0, start * width);
        into = smaller;
      } else {
        pool.give(smaller);
      }
    }
    into.floats().put(start * width, old.floats(), end * width, rest * width);
    if (into != old) {
      pool.give(old);
    }
    return into;
  }

  /** Writes zeros behind the last row, to the end of its tile, unless they are there. */
  public void end() {
    int end = written == 0 ? 0 : tileEnd(written - 1);
    if (zeroTo < end) {
      zero(keys(), written * keyWidth, end * keyWidth);
      zero(values(), written * valueWidth, end * valueWidth);
      zeroTo = end;
    }
  }

  /** Returns what queries may read, from number {@code first} on, until more is written. */
  public Keys seen(int first) {
    int[] seen = first == 0 ? positions : Arrays.copyOfRange(positions, first, written);
    return new Keys(keys(), values(), first, written - first, seen);
  }

  /** Returns the keys. */
  public FloatBuffer keys() {
    return reserved(keys).floats();
  }

  /** Returns the values. */
  public FloatBuffer values() {
    return reserved(values).floats();
  }

  @Override
  public void publish(long stamp) {
    if (written == published) {
      return;
    }
    int pages = pages(written);
    if (stamps.length < pages) {
      stamps = Arrays.copyOf(stamps, Math.max(pages, 2 * stamps.length));
    }
    Arrays.fill(stamps, published / pageRows, pages, stamp);
    published = written;
  }

  @Override
  public void discard() {
    zeroTo = 0;
    written = published;
  }

  @Override
  public long bytes() {
    return keys == null ? 0 : reserved(keys).bytes() + reserved(values).bytes();
  }

  @Override
  public Kept copy() {
    KeyValues copy = new KeyValues(pool, keyWidth, valueWidth, halves);
    if (published > 0) {
      copy.reserve(published);
      copy.keys().put(0, keys(), 0, published * keyWidth);
      copy.values().put(0, values(), 0, published * valueWidth);
      System.arraycopy(positions, 0, copy.positions, 0, published);
      copy.written = published;
      copy.published = published;
      copy.stamps = stamps.clone();
      copy.head = head;
      copy.gone = gone;
      copy.end();
    }
    return copy;
  }

  @Override
  public IntStream pages() {
    int before = gone == 0 ? pages(published) : head / pageRows;
    int missing = gone / pageRows;
    return IntStream.range(0, pages(published)).map(page -> page < before ? page : page + missing);
  }

  @Override
  public long stamp(int page) {
    return stamps[place(page)];
  }

  /** Returns where a page is among those that were not let go. */
  private int place(int page) {
    return gone == 0 || page < head / pageRows ? page : page - gone / pageRows;
  }

  @Override
  public ByteBuffer page(int page) {
    int from = place(page) * pageRows;
    int count = Math.min(pageRows, published - from);
    ByteBuffer bytes = ByteBuffer.allocate(count * pageRow()).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      bytes.putInt(positions[from + i]);
    }
    FloatBuffer someKeys = keys().slice(from * keyWidth, count * keyWidth);
    FloatBuffer someValues = values().slice(from * valueWidth, count * valueWidth);
    if (halves) {
      write(someKeys, bytes);
      write(someValues, bytes);
    } else {
      bytes.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(someKeys).put(someValues);
    }
    return bytes.rewind();
  }

  /** Takes over a page behind the last one, of up to a tile's rows. */
  @Override
  public void restore(int number, ByteBuffer page, long stamp) {
    int next = (written + gone) / pageRows;
    if (gone == 0 && number > next && written % TILE == 0 && (number - next) % tilePages() == 0) {
      head = written;
      gone = (number - next) * pageRows;
      next = number;
    }
    if (number != next || written % pageRows != 0) {
      throw new IllegalArgumentException(
          "page " + number + " of keys and values does not follow row " + (written + gone));
    }
    ByteBuffer bytes = page.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    int count = bytes.remaining() / pageRow();
    reserve(count);
    for (int i = 0; i < count; i++) {
      positions[written + i] = bytes.getInt();
    }
    if (halves) {
      read(bytes, keys(), written * keyWidth, count * keyWidth);
      read(bytes, values(), written * valueWidth, count * valueWidth);
    } else {
      FloatBuffer floats = bytes.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      keys().put(written * keyWidth, floats, 0, count * keyWidth);
      values().put(written * valueWidth, floats, count * keyWidth, count * valueWidth);
    }
    written += count;
    end();
    publish(stamp);
  }

  @Override
  public void close() {
    if (keys != null) {
      pool.give(reserved(keys));
      keys = null;
    }
    if (values != null) {
      pool.give(reserved(values));
      values = null;
    }
  }

  /** Returns how many bytes a row has in a page: its position, its keys, its values. */
  private int pageRow() {
    return 4 + numberBytes() * (keyWidth + valueWidth);
  }

  private int numberBytes() {
    return halves ? 2 : 4;
  }

  private static void round(FloatBuffer numbers, int from, int count) {
    for (int i = from; i < from + count; i++) {
      numbers.put(i, rounded(numbers.get(i)));
    }
  }

  /**
   * Returns the nearest number of 16 bits.
   *
   * @throws ArithmeticException if it is beyond the largest
   */
  static float rounded(float value) {
    if (Math.abs(value) > Halves.MOST_F16) {
      throw new ArithmeticException(
          "a key or value " + value + " is not in -65504..65504, which onnx.state fp16 can keep");
    }
    return Halves.fromF16(Halves.toF16(value));
  }

  private static void write(FloatBuffer numbers, ByteBuffer into) {
    for (int i = 0; i < numbers.capacity(); i++) {
      into.putShort(Halves.toF16(numbers.get(i)));
    }
  }

  private static void read(ByteBuffer from, FloatBuffer numbers, int first, int count) {
    for (int i = first; i < first + count; i++) {
      numbers.put(i, Halves.fromF16(from.getShort()));
    }
  }

  private Lent grown(@Nullable Lent old, long floats, int width) {
    if (old != null && old.floats().capacity() >= floats) {
      return old;
    }
    Lent more = pool.take(floats);
    zeroTo = 0;
    if (old != null) {
      more.floats().put(0, old.floats(), 0, written * width);
      pool.give(old);
    }
    return more;
  }

  private static Lent reserved(@Nullable Lent buffer) {
    if (buffer == null) {
      throw new IllegalStateException("no room was reserved for keys and values");
    }
    return buffer;
  }

  private static void zero(FloatBuffer buffer, int from, int to) {
    for (int at = from; at < to; at += ZEROS.length) {
      buffer.put(at, ZEROS, 0, Math.min(ZEROS.length, to - at));
    }
  }
}
