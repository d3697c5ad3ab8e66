package anabranch.onnx.run;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Makes direct buffers that live as long as a model. Stateless. */
final class Buffers {
  private Buffers() {}

  /** Returns zeros in native order. */
  static FloatBuffer direct(long floats) {
    return ByteBuffer.allocateDirect(Math.toIntExact(4 * floats))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
