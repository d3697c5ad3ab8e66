package anabranch.benchmarks.peer;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A file of the form GGUF, version 3, with fp32 tensors: what llama.cpp reads. Fields and tensors
 * are written in the order in which they were added. Confined to one thread.
 */
final class Gguf {
  private static final int VERSION = 3;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;
  private static final int TENSOR_OF_FLOATS = 0;
  private static final int ALIGNMENT = 32;
  private static final int CHUNK = 1 << 16;

  private final List<Part> fields = new ArrayList<>();
  private final List<Tensor> tensors = new ArrayList<>();

  /** Something that is written. */
  private interface Part {
    void write(Little out) throws IOException;
  }

  /** Numbers and their extents, the one that runs fastest first. */
  private record Tensor(String name, int[] extents, List<float[]> numbers) {
    long bytes() {
      return numbers.stream().mapToLong(each -> 4L * each.length).sum();
    }
  }

  /** Writes numbers with the lowest byte first. */
  private static final class Little {
    private final DataOutputStream out;

    Little(OutputStream out) {
      this.out = new DataOutputStream(out);
    }

    void one(int number) throws IOException {
      out.writeByte(number);
    }

    void four(int number) throws IOException {
      out.writeInt(Integer.reverseBytes(number));
    }

    void eight(long number) throws IOException {
      out.writeLong(Long.reverseBytes(number));
    }

    void string(String text) throws IOException {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      eight(bytes.length);
      out.write(bytes);
    }

    void floats(float[] numbers) throws IOException {
      ByteBuffer chunk = ByteBuffer.allocate(4 * CHUNK).order(ByteOrder.LITTLE_ENDIAN);
      for (int from = 0; from < numbers.length; from += CHUNK) {
        int count = Math.min(CHUNK, numbers.length - from);
        chunk.asFloatBuffer().put(numbers, from, count);
        out.write(chunk.array(), 0, 4 * count);
      }
    }

    void pad(long written) throws IOException {
      for (long at = written; at % ALIGNMENT != 0; at++) {
        out.writeByte(0);
      }
    }
  }

  private Gguf field(String name, int type, Part value) {
    fields.add(
        out -> {
          out.string(name);
          out.four(type);
          value.write(out);
        });
    return this;
  }

  /** Adds a text. */
  Gguf text(String name, String value) {
    return field(name, STRING, out -> out.string(value));
  }

  /** Adds a whole number. */
  Gguf number(String name, int value) {
    return field(name, UINT32, out -> out.four(value));
  }

  /** Adds a number. */
  Gguf number(String name, float value) {
    return field(name, FLOAT32, out -> out.four(Float.floatToIntBits(value)));
  }

  /** Adds yes or no. */
  Gguf flag(String name, boolean value) {
    return field(name, BOOL, out -> out.one(value ? 1 : 0));
  }

  /** Adds texts. */
  Gguf texts(String name, List<String> values) {
    return array(name, STRING, values.stream().<Part>map(each -> out -> out.string(each)).toList());
  }

  /** Adds whole numbers. */
  Gguf numbers(String name, int... values) {
    List<Part> parts = new ArrayList<>();
    for (int value : values) {
      parts.add(out -> out.four(value));
    }
    return array(name, INT32, parts);
  }

  /** Adds numbers. */
  Gguf numbers(String name, float... values) {
    List<Part> parts = new ArrayList<>();
    for (float value : values) {
      parts.add(out -> out.four(Float.floatToIntBits(value)));
    }
    return array(name, FLOAT32, parts);
  }

  private Gguf array(String name, int type, List<Part> values) {
    return field(
        name,
        ARRAY,
        out -> {
          out.four(type);
          out.eight(values.size());
          for (Part value : values) {
            value.write(out);
          }
        });
  }

  /**
   * Adds a tensor.
   *
   * @param numbers one piece behind the other
   * @param extents the one that runs fastest first
   */
  Gguf tensor(String name, List<float[]> numbers, int... extents) {
    tensors.add(new Tensor(name, extents, numbers));
    return this;
  }

  /** Writes the file. */
  void write(Path file) {
    try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(file))) {
      Counted counted = new Counted(stream);
      Little out = new Little(counted);
      for (char letter : "GGUF".toCharArray()) {
        out.one(letter);
      }
      out.four(VERSION);
      out.eight(tensors.size());
      out.eight(fields.size());
      for (Part field : fields) {
        field.write(out);
      }
      long at = 0;
      for (Tensor tensor : tensors) {
        out.string(tensor.name);
        out.four(tensor.extents.length);
        for (int extent : tensor.extents) {
          out.eight(extent);
        }
        out.four(TENSOR_OF_FLOATS);
        out.eight(at);
        at += (tensor.bytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      }
      out.pad(counted.count);
      for (Tensor tensor : tensors) {
        for (float[] piece : tensor.numbers) {
          out.floats(piece);
        }
        out.pad(tensor.bytes());
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Counts what is written. */
  private static final class Counted extends OutputStream {
    private final OutputStream to;
    private long count;

    Counted(OutputStream to) {
      this.to = to;
    }

    @Override
    public void write(int number) throws IOException {
      to.write(number);
      count++;
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      to.write(bytes, from, length);
      count += length;
    }
  }
}
