package anabranch.samples.alarm;

/**
 * How odd a line is, in one number that can be compared between lines of any length: its bits over
 * its bytes and {@value #EXTRA} more. Bits per byte alone are noisy for short lines, so that a
 * level that spares an import of a rare name also spares a secret in the middle of a long line. The
 * extra bytes count as if they were certain: a line needs some bits in all before it is odd.
 * Stateless.
 */
public final class Oddness {
  /** How many certain bytes are thought to stand behind each line. */
  public static final int EXTRA = 24;

  private Oddness() {}

  /** Returns the oddness of a line that needed these bits for these bytes. */
  public static double of(double bits, int bytes) {
    return bits / (bytes + EXTRA);
  }
}
