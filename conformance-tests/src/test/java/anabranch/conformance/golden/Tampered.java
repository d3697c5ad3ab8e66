package anabranch.conformance.golden;

import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A copy of a recorded model with one number changed. */
final class Tampered {
  private Tampered() {}

  /** Copies a model. */
  static Path copy(Path model, Path into) throws IOException {
    Path copy = into.resolve(model.getFileName().toString());
    Excerpt.write(model, copy, List.of(".*"));
    return copy;
  }

  /** Changes one number of a tensor by the least that should be noticed. */
  static void change(Path file, String name, int index) {
    List<Tensor> tensors = new ArrayList<>();
    try (Safetensors all = Safetensors.open(file)) {
      for (String each : all.names()) {
        Tensor tensor = all.tensor(each);
        tensors.add(each.equals(name) ? changed(tensor, index) : tensor);
      }
      Safetensors.write(file, tensors);
    }
  }

  private static Tensor changed(Tensor tensor, int index) {
    ByteBuffer bytes = ByteBuffer.allocate(tensor.bytes().remaining());
    bytes.order(ByteOrder.LITTLE_ENDIAN).put(tensor.bytes());
    switch (tensor.type()) {
      case F32 -> bytes.putFloat(4 * index, bytes.getFloat(4 * index) + 0.01f);
      case I64 -> bytes.putLong(8 * index, bytes.getLong(8 * index) ^ 1);
      default -> throw new IllegalArgumentException(tensor.name() + " " + tensor.type());
    }
    return new Tensor(tensor.name(), tensor.type(), tensor.shape(), bytes.rewind());
  }

  /** Leaves a file out. */
  static void delete(Path file) {
    try {
      Files.delete(file);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
