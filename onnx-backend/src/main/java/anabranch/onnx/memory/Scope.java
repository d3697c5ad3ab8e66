package anabranch.onnx.memory;

import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Buffers of a pool for the time of a block; once closed, for that of another one. Confined to one
 * thread.
 */
public final class Scope implements AutoCloseable {
  private final BufferPool pool;
  private @Nullable Lent[] taken = new @Nullable Lent[4];
  private int count;

  /** Opens a scope. */
  public Scope(BufferPool pool) {
    this.pool = pool;
  }

  /** Returns a buffer for {@code rows} vectors of that width, good until this scope closes. */
  public FloatBuffer rows(int rows, int width) {
    Lent buffer = pool.take((long) rows * width);
    if (count == taken.length) {
      taken = Arrays.copyOf(taken, 2 * count);
    }
    taken[count++] = buffer;
    return buffer.floats();
  }

  /** Hands over a buffer that this scope lent, and which nobody else uses any more. */
  public Lent handOver(FloatBuffer buffer) {
    for (int i = 0; i < count; i++) {
      Lent each = taken[i];
      if (each != null && each.floats() == buffer) {
        taken[i] = null;
        return each;
      }
    }
    throw new AssertionError("a scope hands over what it has not lent");
  }

  /** Gives everything back. */
  @Override
  public void close() {
    while (count > 0) {
      Lent buffer = taken[--count];
      if (buffer != null) {
        pool.give(buffer);
        taken[count] = null;
      }
    }
  }
}
