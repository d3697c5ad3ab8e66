package anabranch.onnx.attention;

import anabranch.onnx.memory.BufferPool;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of one sequence in one attention, one vector after the other in the order of
 * their rows. In one call at a time.
 *
 * <p>Room is counted in whole tiles: the core reads keys tile by tile, and what lies behind the
 * last row in its tile is zero.
 */
public final class KeyValues implements AutoCloseable {
  /** How many rows make a tile. */
  static final int TILE = 64;

  private static final float[] ZEROS = new float[1024];

  private final BufferPool pool;
  private final int width;
  private @Nullable FloatBuffer keys;
  private @Nullable FloatBuffer values;

  /** Creates an empty store for vectors of that width. */
  public KeyValues(BufferPool pool, int width) {
    this.pool = pool;
    this.width = width;
  }

  /** Returns the number of rows up to the end of the tile that holds row {@code index}. */
  public static int tileEnd(int index) {
    return (index / TILE + 1) * TILE;
  }

  /** Makes room for {@code rows} rows, of which the first {@code kept} stay. */
  public void reserve(int rows, int kept) {
    long floats = (long) tileEnd(rows - 1) * width;
    keys = grown(keys, floats, kept);
    values = grown(values, floats, kept);
  }

  /** Writes rows from packed keys and values. */
  public void put(
      int index, FloatBuffer packedKeys, FloatBuffer packedValues, int place, int count) {
    keys().put(index * width, packedKeys, place * width, count * width);
    values().put(index * width, packedValues, place * width, count * width);
  }

  /** Writes zeros behind the first {@code rows} rows, to the end of their last tile. */
  public void endAt(int rows) {
    zero(keys(), rows * width, tileEnd(rows - 1) * width);
    zero(values(), rows * width, tileEnd(rows - 1) * width);
  }

  /** Returns the keys. */
  public FloatBuffer keys() {
    return reserved(keys);
  }

  /** Returns the values. */
  public FloatBuffer values() {
    return reserved(values);
  }

  /** Returns the bytes held. */
  public long bytes() {
    return keys == null ? 0 : BufferPool.bytes(keys()) + BufferPool.bytes(values());
  }

  @Override
  public void close() {
    if (keys != null) {
      pool.give(keys());
      keys = null;
    }
    if (values != null) {
      pool.give(values());
      values = null;
    }
  }

  private FloatBuffer grown(@Nullable FloatBuffer old, long floats, int kept) {
    if (old != null && old.capacity() >= floats) {
      return old;
    }
    FloatBuffer more = pool.take(floats);
    if (old != null) {
      more.put(0, old, 0, kept * width);
      pool.give(old);
    }
    return more;
  }

  private static FloatBuffer reserved(@Nullable FloatBuffer buffer) {
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
