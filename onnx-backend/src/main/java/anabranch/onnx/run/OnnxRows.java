package anabranch.onnx.run;

import anabranch.backend.Activations;
import anabranch.onnx.memory.BufferPool;
import java.nio.FloatBuffer;

/**
 * Hidden vectors in batch order. The buffer goes back to its pool when the last holder lets go;
 * closing twice is harmless.
 */
final class OnnxRows implements Activations {
  private final BufferPool pool;
  private final FloatBuffer buffer;
  private final int rows;
  private final int width;
  private int holders = 1;
  private boolean closed;

  OnnxRows(BufferPool pool, int rows, int width) {
    this.pool = pool;
    this.buffer = pool.take((long) rows * width);
    this.rows = rows;
    this.width = width;
  }

  int width() {
    return width;
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
  synchronized FloatBuffer buffer() {
    if (holders == 0) {
      throw new IllegalStateException("the activations are closed");
    }
    return buffer;
  }

  /** Adds a holder, who must {@link #release}. */
  synchronized void retain() {
    holders++;
  }

  /** Lets one holder go. */
  synchronized void release() {
    if (--holders == 0) {
      pool.give(buffer);
    }
  }

  @Override
  public long bytes() {
    return BufferPool.bytes(buffer);
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
