package anabranch.onnx.format;

import anabranch.weights.DType;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Some rows of each of several matrices that lie behind each other. Immutable.
 *
 * @param matrices how many there are
 * @param each how many rows each has
 * @param from the first of the rows
 * @param count how many they are
 * @param columns length of a row
 * @param transposed whether the result is matrices x columns x count; else matrices x count x
 *     columns
 */
public record MatrixRows(
    int matrices, int each, int from, int count, int columns, boolean transposed) {
  long[] shape() {
    return new long[] {matrices, transposed ? columns : count, transposed ? count : columns};
  }

  long elements() {
    return (long) matrices * count * columns;
  }

  void write(Tensor tensor, ByteBuffer into) {
    FloatBuffer all = numbers(tensor);
    int start = into.position();
    FloatBuffer to = into.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    for (int matrix = 0; matrix < matrices; matrix++) {
      int first = (matrix * each + from) * columns;
      int at = matrix * count * columns;
      for (int i = 0; i < count * columns; i++) {
        int row = i / columns;
        int column = i % columns;
        to.put(at + (transposed ? column * count + row : i), all.get(first + i));
      }
    }
    into.position(start + Math.toIntExact(4 * elements()));
  }

  private static FloatBuffer numbers(Tensor tensor) {
    if (tensor.type() == DType.F32) {
      return tensor.bytes().asFloatBuffer();
    }
    FloatBuffer wide = FloatBuffer.allocate(Math.toIntExact(tensor.elements()));
    tensor.copyTo(wide);
    return wide.flip();
  }
}
