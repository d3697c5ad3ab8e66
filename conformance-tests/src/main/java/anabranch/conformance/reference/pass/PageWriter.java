package anabranch.conformance.reference.pass;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes one page of an image in little endian order. Confined to one call. */
public final class PageWriter {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** Writes whole numbers. */
  public void number(int... values) {
    ByteBuffer some = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      some.putInt(value);
    }
    bytes.writeBytes(some.array());
  }

  /** Writes how many numbers there are, and the numbers. */
  public void numbers(double... values) {
    number(values.length);
    ByteBuffer some = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      some.putDouble(value);
    }
    bytes.writeBytes(some.array());
  }

  /** Writes a text behind the number of its bytes. */
  public void text(String text) {
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    number(encoded.length);
    bytes.writeBytes(encoded);
  }

  /** Returns what was written. */
  public ByteBuffer done() {
    return ByteBuffer.wrap(bytes.toByteArray());
  }
}
