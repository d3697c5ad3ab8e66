package anabranch.weights;

import java.nio.FloatBuffer;

/** The numbers of a tensor. */
final class Numbers {
  private Numbers() {}

  static float[] of(Tensor tensor) {
    FloatBuffer into = FloatBuffer.allocate((int) tensor.elements());
    tensor.copyTo(into);
    return into.array();
  }
}
