package anabranch.onnx.memory;

import java.nio.FloatBuffer;

/** A buffer of a pool. Confined to whom it is lent to. */
public final class Lent {
  /** How many buffers its pool had made before. */
  final long number;

  private final FloatBuffer floats;

  Lent(long number, FloatBuffer floats) {
    this.number = number;
    this.floats = floats;
  }

  /** Returns the buffer, the same one each time. */
  public FloatBuffer floats() {
    return floats;
  }

  /** Returns its bytes. */
  public long bytes() {
    return BufferPool.bytes(floats);
  }
}
