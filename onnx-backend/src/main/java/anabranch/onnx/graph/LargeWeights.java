package anabranch.onnx.graph;

import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.util.function.IntFunction;

/**
 * A place outside a graph for its large weights. ONNX Runtime maps the file that is named, makes
 * what it needs of it and lets go; of weights inside a graph it would keep a copy beside that for
 * good. Confined to one thread.
 */
public abstract class LargeWeights {
  /** The fewest bytes of a weight for which it is worth while. */
  static final int LEAST = 1 << 18;

  private static final long EXTERNAL = 1;

  LargeWeights() {}

  /**
   * Writes into a tensor's message where its numbers are as fp32; returns false where they cannot
   * be outside.
   *
   * @param room gives a direct buffer of at least so many bytes
   */
  abstract boolean add(Tensor tensor, IntFunction<ByteBuffer> room, Message into);

  /** Does so for numbers of another type than fp32, as they are. */
  abstract boolean add(ByteBuffer numbers, Message into);

  /** Names a part of a file in the folder that the session is told. */
  static void name(String file, long offset, long length, Message into) {
    into.message(13, entry("location", file))
        .message(13, entry("offset", Long.toString(offset)))
        .message(13, entry("length", Long.toString(length)))
        .number(14, EXTERNAL);
  }

  private static Message entry(String key, String value) {
    return new Message().text(1, key).text(2, value);
  }
}
