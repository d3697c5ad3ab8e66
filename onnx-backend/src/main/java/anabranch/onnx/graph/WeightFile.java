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

/**
 * A file for large weights of one graph while it is loaded. ONNX Runtime maps it, makes what it
 * needs of it and lets go; of weights inside a graph it would keep a copy beside that for good.
 * Confined to one thread.
 */
public final class WeightFile implements AutoCloseable {
  /** The fewest bytes of a weight for which it is worth while. */
  static final int LEAST = 1 << 18;

  private static final int ALIGNED = 1 << 12;
  private static final long EXTERNAL = 1;

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

  /** Writes a tensor's numbers as fp32, and into its message where they are. */
  void add(Tensor tensor, ByteBuffer room, Message into) {
    ByteBuffer numbers = tensor.bytes();
    if (tensor.type() != DType.F32) {
      numbers = room.order(ByteOrder.LITTLE_ENDIAN).clear();
      Graph.write(tensor, numbers);
      numbers.flip();
    }
    add(numbers, into);
  }

  /** Writes numbers as they are, and into their message where they are. */
  void add(ByteBuffer numbers, Message into) {
    try {
      long from = (channel.position() + ALIGNED - 1) / ALIGNED * ALIGNED;
      channel.position(from);
      while (numbers.hasRemaining()) {
        channel.write(numbers);
      }
      into.message(13, entry("location", file.getFileName().toString()))
          .message(13, entry("offset", Long.toString(from)))
          .message(13, entry("length", Long.toString(channel.position() - from)))
          .number(14, EXTERNAL);
    } catch (IOException failed) {
      throw new UncheckedIOException(file + ": cannot be written", failed);
    }
  }

  private static Message entry(String key, String value) {
    return new Message().text(1, key).text(2, value);
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
