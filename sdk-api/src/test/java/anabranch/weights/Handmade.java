package anabranch.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Safetensors files made byte by byte, without the writer. */
final class Handmade {
  private Handmade() {}

  /** Returns header length, header and data, one after the other. */
  static byte[] file(String header, byte... data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }

  /** Returns a header of one tensor "t". */
  static String header(String type, String shape, String offsets) {
    return "{\"t\":{\"dtype\":"
        + type
        + ",\"shape\":"
        + shape
        + ",\"data_offsets\":"
        + offsets
        + "}}";
  }

  /** Writes the bytes to a file of that folder and returns it. */
  static Path in(Path folder, byte[] bytes) {
    try {
      Path file = folder.resolve("made.safetensors");
      Files.deleteIfExists(file);
      return Files.write(file, bytes);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
