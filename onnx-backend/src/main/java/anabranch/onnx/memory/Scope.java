package anabranch.onnx.memory;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Buffers of a pool for the time of a block. Confined to one thread. */
public final class Scope implements AutoCloseable {
  private final BufferPool pool;
  private final List<FloatBuffer> taken = new ArrayList<>();

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

  @Override
  public void close() {
    taken.forEach(pool::give);
    taken.clear();
  }
}
