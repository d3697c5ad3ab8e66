package anabranch.weights;

import anabranch.error.WeightsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What a safetensors file says about its tensors, checked against the length of the file: 8 bytes
 * of little-endian header length, the header, then the data of all tensors without a gap.
 *
 * @param dataStart where in the file the data starts
 * @param entries the tensors, in the order of their data
 */
record Header(long dataStart, List<Entry> entries) {
  /** The most bytes of a header, a bound of the format. */
  static final int MOST_BYTES = 100_000_000;

  /** The most characters of a tensor's name. */
  static final int MOST_NAME = 4096;

  /** The most extents of a shape. */
  static final int MOST_EXTENTS = 32;

  /** The name under which a header keeps words about itself. */
  static final String METADATA = "__metadata__";

  private static final int PREFIX = 8;

  /**
   * One tensor.
   *
   * @param begin where its data begins, counted from the start of all data
   * @param end where its data ends: {@code begin} plus what type and shape need
   */
  record Entry(String name, DType type, List<Integer> shape, long begin, long end) {
    String offsets() {
      return "tensor \"" + name + "\" data_offsets [" + begin + ", " + end + "]";
    }
  }

  /** Reads and checks the header; the channel stands at its start. */
  static Header read(String file, SeekableByteChannel channel) throws IOException {
    long size = channel.size();
    if (size < PREFIX) {
      throw new WeightsException(
          file + ": " + size + " bytes are too few for a header length of " + PREFIX + " bytes");
    }
    long length = bytes(file, channel, PREFIX).order(ByteOrder.LITTLE_ENDIAN).getLong();
    long most = Math.min(MOST_BYTES, size - PREFIX);
    if (length < 0 || length > most) {
      throw new WeightsException(
          file
              + ": header length "
              + Long.toUnsignedString(length)
              + " is not in 0.."
              + most
              + (most < MOST_BYTES ? ", what the file has" : ""));
    }
    byte[] json = bytes(file, channel, (int) length).array();
    List<Entry> entries = new ArrayList<>(new HeaderParser(file, json).parse());
    entries.sort(Comparator.comparingLong(Entry::begin));
    long dataStart = PREFIX + length;
    checkLayout(file, entries, size - dataStart);
    return new Header(dataStart, List.copyOf(entries));
  }

  private static ByteBuffer bytes(String file, SeekableByteChannel channel, int count)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes) < 0) {
        throw new WeightsException(file + ": the file shrank while it was read");
      }
    }
    return bytes.flip();
  }

  private static void checkLayout(String file, List<Entry> entries, long data) {
    long at = 0;
    for (Entry entry : entries) {
      if (entry.end() > data) {
        throw new WeightsException(
            file + ": " + entry.offsets() + " end beyond the " + data + " bytes of data");
      }
      if (entry.begin() < at) {
        throw new WeightsException(
            file + ": " + entry.offsets() + " begin in another tensor, which ends at " + at);
      }
      if (entry.begin() > at) {
        throw new WeightsException(
            file + ": " + entry.offsets() + " leave a gap behind " + at + ", where data ended");
      }
      at = entry.end();
    }
    if (at != data) {
      throw new WeightsException(
          file + ": " + data + " bytes of data, but the tensors end at " + at);
    }
  }
}
