package anabranch.onnx.graph;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A protobuf message being written: a rope of parts, so that nesting and large tensors are copied
 * once, when the whole is laid out. Confined to one thread.
 */
final class Message {
  private final List<ByteBuffer> parts = new ArrayList<>();
  private ByteArrayOutputStream open = new ByteArrayOutputStream();
  private long closedBytes;

  /** Writes an integer field. */
  Message number(int field, long value) {
    varint((long) field << 3);
    varint(value);
    return this;
  }

  /** Writes an fp32 field. */
  Message number(int field, float value) {
    varint((long) field << 3 | 5);
    int bits = Float.floatToRawIntBits(value);
    for (int shift = 0; shift < 32; shift += 8) {
      open.write(bits >>> shift);
    }
    return this;
  }

  /** Writes a text field. */
  Message text(int field, String value) {
    return bytes(field, ByteBuffer.wrap(value.getBytes(StandardCharsets.UTF_8)));
  }

  /** Writes a field of bytes, which must not change until the whole is laid out. */
  Message bytes(int field, ByteBuffer value) {
    varint((long) field << 3 | 2);
    varint(value.remaining());
    close();
    parts.add(value.slice());
    closedBytes += value.remaining();
    return this;
  }

  /** Writes a field that is a message; the nested message must be complete. */
  Message message(int field, Message value) {
    varint((long) field << 3 | 2);
    varint(value.size());
    close();
    value.close();
    parts.addAll(value.parts);
    closedBytes += value.closedBytes;
    return this;
  }

  /** Returns the number of bytes so far. */
  long size() {
    return closedBytes + open.size();
  }

  /**
   * Lays everything out in one direct buffer.
   *
   * @throws IllegalStateException if it exceeds 2 GiB, the limit of the format
   */
  ByteBuffer layOut() {
    if (size() > Integer.MAX_VALUE) {
      throw new IllegalStateException("a graph of " + size() + " bytes exceeds 2 GiB");
    }
    close();
    ByteBuffer whole =
        ByteBuffer.allocateDirect(Math.toIntExact(closedBytes)).order(ByteOrder.nativeOrder());
    for (ByteBuffer part : parts) {
      whole.put(part.duplicate());
    }
    return whole.flip();
  }

  private void close() {
    if (open.size() > 0) {
      closedBytes += open.size();
      parts.add(ByteBuffer.wrap(open.toByteArray()));
      open = new ByteArrayOutputStream();
    }
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      open.write((int) (rest & 0x7F | 0x80));
      rest >>>= 7;
    }
    open.write((int) rest);
  }
}
