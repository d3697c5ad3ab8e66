package anabranch.onnx.state;

import java.nio.ByteBuffer;
import java.util.stream.IntStream;

/**
 * One thing that a sequence keeps. A call writes beside what is published and publishes when it
 * succeeds, so one that fails leaves nothing. In one call at a time.
 */
interface Kept extends AutoCloseable {
  /** Makes what was written the truth, and stamps the pages that it changed. */
  void publish(long stamp);

  /** Forgets what was written and not published. */
  void discard();

  /** Returns the bytes held. */
  long bytes();

  /** Returns a copy of what is published, with its stamps. */
  Kept copy();

  /** Returns the numbers of the pages there are, ascending. */
  IntStream pages();

  /** Returns when a page last changed. */
  long stamp(int page);

  /** Returns a copy of a page, in little endian order. */
  ByteBuffer page(int page);

  /**
   * Takes over a page behind the last one.
   *
   * @throws IllegalArgumentException if it cannot be the next
   */
  void restore(int number, ByteBuffer page, long stamp);

  @Override
  void close();
}
