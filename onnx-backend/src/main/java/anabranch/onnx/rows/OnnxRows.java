package anabranch.onnx.rows;

import anabranch.backend.Activations;
import anabranch.backend.Rows;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Lent;
import java.nio.FloatBuffer;

/**
 * Hidden vectors in batch order. The buffer goes back to its pool when the last holder lets go;
 * closing twice is harmless.
 */
public final class OnnxRows implements Activations {
  private final BufferPool pool;
  private final Lent buffer;
  private final int rows;
  private final int width;
  private int holders = 1;
  private boolean closed;

  /** Takes a buffer for {@code rows} vectors of that width. */
  public OnnxRows(BufferPool pool, int rows, int width) {
    this(pool, pool.take((long) rows * width), rows, width);
  }

  /** Takes over a buffer of a pool that has that many vectors. */
  public OnnxRows(BufferPool pool, Lent buffer, int rows, int width) {
    this.pool = pool;
    this.buffer = buffer;
    this.rows = rows;
    this.width = width;
  }

  /**
   * Returns the rows that hold row i of a span.
   *
   * @throws IllegalArgumentException if they come from no model of this backend and width
   */
  static OnnxRows of(Rows span, int i, int width) {
    if (!(span.from(i) instanceof OnnxRows source) || source.width != width) {
      throw new IllegalArgumentException(
          "row at position " + span.position(i) + " comes from no earlier stage of this model");
    }
    return source;
  }

  /** Copies the vectors of rows, wherever they stand, one after the other. */
  public static void copy(Rows rows, FloatBuffer into, int width) {
    for (int i = 0; i < rows.size(); i++) {
      of(rows, i, width).copyTo(into, i, rows.index(i), 1);
    }
  }

  /**
   * Copies rows to another buffer.
   *
   * @throws IllegalStateException if these rows are closed
   */
  void copyTo(FloatBuffer into, int place, int from, int count) {
    if (from < 0 || from + count > rows) {
      throw new IllegalArgumentException(
          "row " + (from + count - 1) + " is not in 0.." + (rows - 1) + " of its activations");
    }
    into.put(place * width, buffer(), from * width, count * width);
  }

  /** Returns the vectors. */
  public synchronized FloatBuffer buffer() {
    if (holders == 0) {
      throw new IllegalStateException("the activations are closed");
    }
    return buffer.floats();
  }

  /** Adds a holder, who must {@link #release}. */
  public synchronized void retain() {
    holders++;
  }

  /** Lets one holder go. */
  public synchronized void release() {
    if (--holders == 0) {
      pool.give(buffer);
    }
  }

  @Override
  public long bytes() {
    return buffer.bytes();
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    release();
  }
}
