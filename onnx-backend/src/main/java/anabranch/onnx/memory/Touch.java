package anabranch.onnx.memory;

import java.nio.FloatBuffer;

/**
 * Brings what is worked on next into a near cache: lines that are read for nothing one behind the
 * other are on their way together, and work waits for each anew. Stateless.
 */
public final class Touch {
  /** How many numbers lie in a line of a cache. */
  private static final int LINE = 16;

  private Touch() {}

  /** Reads a number of each line; returns what has no meaning, and has to be kept somewhere. */
  public static int of(FloatBuffer numbers, int from, int count) {
    int all = 0;
    for (int at = from; at < from + count; at += LINE) {
      all ^= Float.floatToRawIntBits(numbers.get(at));
    }
    return all;
  }
}
