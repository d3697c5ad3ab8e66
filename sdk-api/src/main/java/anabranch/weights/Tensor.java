package anabranch.weights;

import anabranch.error.WeightsException;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A named array of numbers: a view on memory that its {@link Weights} own. Immutable; any thread.
 */
public final class Tensor {
  /** The most bytes of one tensor: what one buffer can hold. */
  public static final int MOST_BYTES = Integer.MAX_VALUE;

  private final String name;
  private final DType type;
  private final List<Integer> shape;
  private final ByteBuffer data;
  private final @Nullable Place place;

  /**
   * Creates a view.
   *
   * @param name its name
   * @param type how a number is stored
   * @param shape extents, outermost first; each at least 1
   * @param data exactly the numbers, row-major, little-endian; not copied and not to be changed
   * @throws WeightsException if an extent is below 1, the shape needs more than {@link #MOST_BYTES}
   *     or the data's length is not what type and shape say
   */
  public Tensor(String name, DType type, List<Integer> shape, ByteBuffer data) {
    this(name, type, shape, data, null);
  }

  /**
   * Creates a view on a part of a file.
   *
   * @param place where the same bytes lie; null where they are in no file
   * @throws WeightsException as above
   */
  public Tensor(
      String name, DType type, List<Integer> shape, ByteBuffer data, @Nullable Place place) {
    this.name = name;
    this.type = type;
    this.place = place;
    this.shape = List.copyOf(shape);
    this.data = data.slice().order(ByteOrder.LITTLE_ENDIAN).asReadOnlyBuffer();
    long expected = bytes(name, type, this.shape);
    if (data.remaining() != expected) {
      throw new WeightsException(
          "tensor \""
              + name
              + "\" has "
              + data.remaining()
              + " bytes, but "
              + type
              + " "
              + shape
              + " needs "
              + expected);
    }
  }

  /** Returns the tensor's name. */
  public String name() {
    return name;
  }

  /** Returns how its numbers are stored. */
  public DType type() {
    return type;
  }

  /** Returns its extents, outermost first. */
  public List<Integer> shape() {
    return shape;
  }

  /** Returns the number of elements. */
  public long elements() {
    return data.capacity() / type.bytes();
  }

  /** Returns the stored bytes: read-only, little-endian, from position 0. */
  public ByteBuffer bytes() {
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns where the stored bytes lie in a file; null where they are in none. */
  public @Nullable Place place() {
    return place;
  }

  /**
   * Writes all numbers as fp32, exactly, advancing the buffer.
   *
   * @throws java.nio.BufferOverflowException if the buffer has no room for all of them
   * @throws WeightsException if fp32 does not have one of them, naming its index and its value
   */
  public void copyTo(FloatBuffer into) {
    if (into.remaining() < elements()) {
      throw new BufferOverflowException();
    }
    if (type == DType.F32) {
      into.put(bytes().asFloatBuffer());
      return;
    }
    ByteBuffer from = bytes();
    for (int i = 0; from.hasRemaining(); i++) {
      switch (type) {
        case F16 -> into.put(Halves.fromF16(from.getShort()));
        case BF16 -> into.put(Halves.fromBf16(from.getShort()));
        case F64 -> into.put(exact(i, from.getDouble()));
        case I64 -> into.put(exact(i, from.getLong()));
        case I32 -> into.put(exact(i, (long) from.getInt()));
        case U8 -> into.put(from.get() & 0xff);
        case BOOL -> into.put(flag(i, from.get()));
        default -> throw new AssertionError(type);
      }
    }
  }

  private float exact(int index, double value) {
    float narrow = (float) value;
    if (narrow != value && !Double.isNaN(value)) {
      throw inexact(index, Double.toString(value), "a number of fp32");
    }
    return narrow;
  }

  private float exact(int index, long value) {
    float narrow = value;
    // The largest long would come back from the float above it.
    if (narrow >= 0x1p63f || (long) narrow != value) {
      throw inexact(index, Long.toString(value), "a number of fp32");
    }
    return narrow;
  }

  private float flag(int index, byte value) {
    if (value != 0 && value != 1) {
      throw inexact(index, Byte.toString(value), "0 or 1");
    }
    return value;
  }

  private WeightsException inexact(int index, String value, String bound) {
    return new WeightsException(
        "tensor \"" + name + "\" " + type + " [" + index + "] " + value + " is not " + bound);
  }

  /** Returns the bytes that type and shape need, in {@code 1..MOST_BYTES}. */
  static int bytes(String name, DType type, List<Integer> shape) {
    long bytes = type.bytes();
    for (int extent : shape) {
      if (extent < 1) {
        throw new WeightsException(
            "tensor \"" + name + "\" shape " + shape + " has the extent " + extent + ", below 1");
      }
      bytes *= extent;
      if (bytes > MOST_BYTES) {
        throw new WeightsException(
            "tensor \""
                + name
                + "\" "
                + type
                + " "
                + shape
                + " needs more than "
                + MOST_BYTES
                + " bytes, the most of one tensor");
      }
    }
    return (int) bytes;
  }
}
