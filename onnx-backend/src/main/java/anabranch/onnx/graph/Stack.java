package anabranch.onnx.graph;

import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Matrices of one shape behind each other. Immutable.
 *
 * @param members matrices by the names of their parameters; of a member that has several, the rows
 *     take turns
 * @param rows of each matrix
 * @param columns of each matrix
 */
record Stack(List<List<String>> members, int rows, int columns) {
  /** Copies the lists. */
  Stack {
    members = members.stream().map(List::copyOf).toList();
  }

  long[] shape() {
    return new long[] {members.size(), (long) members.get(0).size() * rows, columns};
  }

  long elements() {
    long[] shape = shape();
    return shape[0] * shape[1] * shape[2];
  }

  /** Writes the numbers, of 16 bits or, without them, in fp32. */
  void write(Weights from, @Nullable SixteenBits bits, ByteBuffer into) {
    int row = columns * (bits == null ? Float.BYTES : Short.BYTES);
    for (List<String> member : members) {
      List<ByteBuffer> each = new ArrayList<>();
      for (String name : member) {
        ByteBuffer numbers = ByteBuffer.allocate(rows * row).order(ByteOrder.LITTLE_ENDIAN);
        Tensor tensor = from.tensor(name);
        if (bits == null) {
          Graph.write(tensor, numbers);
        } else {
          bits.write(tensor, numbers);
        }
        each.add(numbers.flip());
      }
      for (int i = 0; i < rows; i++) {
        for (ByteBuffer numbers : each) {
          into.put(numbers.slice(i * row, row));
        }
      }
    }
  }
}
