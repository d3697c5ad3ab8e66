package anabranch.onnx.memory;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Buffers of a pool for the time of a block. Confined to one thread. */
public final class Scope implements AutoCloseable {
  private final BufferPool pool;
  private final List<FloatBuffer> taken = new ArrayList<>(4);

  /** Opens a scope. */
  public Scope(BufferPool pool) {
    this.pool = pool;
  }

  /** Returns a buffer for {@code rows} vectors of that width, good until this scope closes. */
  public FloatBuffer rows(int rows, int width) {
    FloatBuffer buffer = pool.take((long) rows * width);
    taken.add(buffer);
    return buffer;
  }

  /** Gives back the last first, so that whoever takes alike is given the same buffers again. */
  @Override
  public void close() {
    for (int i = taken.size() - 1; i >= 0; i--) {
      pool.give(taken.get(i));
    }
    taken.clear();
  }
}
