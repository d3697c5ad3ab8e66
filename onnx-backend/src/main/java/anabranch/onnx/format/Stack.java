package anabranch.onnx.format;

import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Matrices of one shape behind each other, in the numbers of products. Immutable.
 *
 * @param members matrices by the names of their parameters; of a member that has several, the rows
 *     take turns
 * @param rows of each matrix
 * @param columns of each matrix
 */
public record Stack(List<List<String>> members, int rows, int columns) {
  /** Copies the lists. */
  public Stack {
    members = members.stream().map(List::copyOf).toList();
  }

  long[] shape() {
    return new long[] {members.size(), (long) members.get(0).size() * rows, columns};
  }

  long elements() {
    long[] shape = shape();
    return shape[0] * shape[1] * shape[2];
  }

  void write(Weights from, Numbers numbers, ByteBuffer into) {
    int row = columns * numbers.bytes();
    for (List<String> member : members) {
      List<ByteBuffer> each = new ArrayList<>();
      for (String name : member) {
        ByteBuffer matrix = ByteBuffer.allocate(rows * row).order(ByteOrder.LITTLE_ENDIAN);
        numbers.write(from.tensor(name), matrix);
        each.add(matrix.flip());
      }
      for (int i = 0; i < rows; i++) {
        for (ByteBuffer matrix : each) {
          into.put(matrix.slice(i * row, row));
        }
      }
    }
  }
}
