package anabranch.onnx.graph;

import anabranch.weights.DType;
import anabranch.weights.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.IntFunction;

/** A file for large weights of one graph while it is loaded. Confined to one thread. */
public final class WeightFile extends LargeWeights implements AutoCloseable {
  private static final int ALIGNED = 1 << 12;

  private final Path file;
  private final FileChannel channel;

  /**
   * Creates the file.
   *
   * @param file does not exist yet
   * @throws IOException if it cannot be created
   */
  public WeightFile(Path file) throws IOException {
    this.file = file;
    this.channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  /** Writes the numbers, too. */
  @Override
  boolean add(Tensor tensor, IntFunction<ByteBuffer> room, Message into) {
    ByteBuffer numbers = tensor.bytes();
    if (tensor.type() != DType.F32) {
      int bytes = Math.toIntExact(4 * tensor.elements());
      numbers = room.apply(bytes).order(ByteOrder.LITTLE_ENDIAN).clear();
      Graph.write(tensor, numbers);
      numbers.flip();
    }
    return add(numbers, into);
  }

  @Override
  boolean add(ByteBuffer numbers, Message into) {
    try {
      long from = (channel.position() + ALIGNED - 1) / ALIGNED * ALIGNED;
      channel.position(from);
      while (numbers.hasRemaining()) {
        channel.write(numbers);
      }
      name(file.getFileName().toString(), from, channel.position() - from, into);
      return true;
    } catch (IOException failed) {
      throw new UncheckedIOException(file + ": cannot be written", failed);
    }
  }

  /** Deletes the file; what is mapped of it stays. */
  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      Files.deleteIfExists(file);
    }
  }
}
