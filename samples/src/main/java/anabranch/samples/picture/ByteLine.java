package anabranch.samples.picture;

/**
 * One scored line, byte by byte. The arrays are not copied and must not change; any thread.
 *
 * @param source the file it comes from
 * @param number its number there, from 1
 * @param text its bytes, at least one
 * @param bits the bits the model needed for each of them
 * @param exits the stage that each of them left behind, from 0
 */
public record ByteLine(String source, long number, byte[] text, float[] bits, byte[] exits) {
  /** Checks that there is one number of bits and one exit for each byte. */
  public ByteLine {
    if (text.length == 0 || bits.length != text.length || exits.length != text.length) {
      throw new IllegalArgumentException(
          "line of %d bytes has bits for %d and exits for %d"
              .formatted(text.length, bits.length, exits.length));
    }
  }

  /** Returns how many bytes it has. */
  public int bytes() {
    return text.length;
  }

  /** Returns the bits of an average byte. */
  public double bitsPerByte() {
    return bits(0, text.length) / text.length;
  }

  /** Returns the bits of the bytes from {@code from} to before {@code to}, added up. */
  double bits(int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += bits[i];
    }
    return sum;
  }

  /** Returns the deepest exit among the bytes from {@code from} to before {@code to}. */
  int deepest(int from, int to) {
    int deepest = 0;
    for (int i = from; i < to; i++) {
      deepest = Math.max(deepest, exits[i]);
    }
    return deepest;
  }
}
