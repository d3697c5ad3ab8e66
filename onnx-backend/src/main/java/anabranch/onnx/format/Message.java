package anabranch.onnx.format;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * A protobuf message being written: a rope of pieces, so that nesting and large tensors are copied
 * once, when the whole is laid out. Confined to one thread.
 */
final class Message {
  private final List<Piece> pieces = new ArrayList<>();
  private ByteArrayOutputStream open = new ByteArrayOutputStream();
  private long closedBytes;

  /** Bytes that are written when the whole is laid out. */
  private record Piece(int bytes, Consumer<ByteBuffer> writer) {
    static Piece of(ByteBuffer bytes) {
      ByteBuffer own = bytes.slice();
      return new Piece(own.remaining(), into -> into.put(own.duplicate()));
    }
  }

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
    return add(field, Piece.of(value));
  }

  /**
   * Writes a field of bytes that are made when the whole is laid out, so that large ones need no
   * room of their own.
   *
   * @param writer puts exactly {@code bytes} bytes
   */
  Message bytes(int field, int bytes, Consumer<ByteBuffer> writer) {
    return add(field, new Piece(bytes, writer));
  }

  private Message add(int field, Piece piece) {
    varint((long) field << 3 | 2);
    varint(piece.bytes());
    close();
    pieces.add(piece);
    closedBytes += piece.bytes();
    return this;
  }

  /** Writes a field that is a message; the nested message must be complete. */
  Message message(int field, Message value) {
    varint((long) field << 3 | 2);
    varint(value.size());
    close();
    value.close();
    pieces.addAll(value.pieces);
    closedBytes += value.closedBytes;
    return this;
  }

  /** Returns the number of bytes so far. */
  long size() {
    return closedBytes + open.size();
  }

  /**
   * Lays everything out in one buffer.
   *
   * @param what names it in errors
   * @param room gives a direct buffer of at least so many bytes
   * @throws IllegalStateException if it exceeds 2 GiB, the limit of the format
   */
  ByteBuffer layOut(String what, IntFunction<ByteBuffer> room) {
    if (size() > Integer.MAX_VALUE) {
      throw new IllegalStateException(
          what + " has " + size() + " bytes, at most " + Integer.MAX_VALUE);
    }
    close();
    ByteBuffer whole =
        room.apply(Math.toIntExact(closedBytes)).order(ByteOrder.nativeOrder()).clear();
    pieces.forEach(piece -> piece.writer().accept(whole));
    return whole.flip();
  }

  private void close() {
    if (open.size() > 0) {
      closedBytes += open.size();
      pieces.add(Piece.of(ByteBuffer.wrap(open.toByteArray())));
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
