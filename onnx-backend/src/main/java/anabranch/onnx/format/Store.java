package anabranch.onnx.format;

import anabranch.weights.DType;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where numbers of constants go: beside the graph where they are many and can be, and else into it.
 *
 * @param room gives a direct buffer of at least so many bytes
 * @param beside takes large weights; null to hold them all
 */
record Store(IntFunction<ByteBuffer> room, @Nullable LargeWeights beside) {
  /** Returns a weight in fp32. */
  Message whole(Tensor tensor) {
    int bytes = Math.toIntExact(4 * tensor.elements());
    Message constant = Constants.constant(tensor, Constants.FLOAT);
    boolean outside =
        beside != null && bytes >= LargeWeights.LEAST && beside.add(tensor, room, constant);
    return outside ? constant : constant.bytes(9, bytes, into -> write(tensor, into));
  }

  /**
   * Returns a constant with its numbers.
   *
   * @param numbers gives them where they go beside the graph
   * @param writer puts them into it
   */
  Message with(
      Message constant, int bytes, Supplier<ByteBuffer> numbers, Consumer<ByteBuffer> writer) {
    boolean outside =
        beside != null && bytes >= LargeWeights.LEAST && beside.add(numbers.get(), constant);
    return outside ? constant : constant.bytes(9, bytes, writer);
  }

  /** Returns room for so many bytes. */
  ByteBuffer room(int bytes) {
    return room.apply(bytes).order(ByteOrder.LITTLE_ENDIAN).clear();
  }

  /** Writes the numbers of a tensor as fp32, without a copy of them all beside it. */
  static void write(Tensor tensor, ByteBuffer into) {
    if (tensor.type() == DType.F32) {
      into.put(tensor.bytes());
      return;
    }
    int start = into.position();
    tensor.copyTo(into.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer());
    into.position(start + Math.toIntExact(4 * tensor.elements()));
  }
}
