package anabranch.weights;

import anabranch.error.WeightsException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** Writes safetensors files. Stateless. */
final class SafetensorsWriter {
  private static final JsonFactory JSON = new JsonFactory();
  private static final int ALIGNMENT = 8;

  private SafetensorsWriter() {}

  static void write(Path file, List<Tensor> given) {
    if (Files.isDirectory(file)) {
      throw new WeightsException(file + ": is a folder");
    }
    List<Tensor> tensors = new ArrayList<>(given);
    tensors.sort(Comparator.comparing(tensor -> -tensor.type().bytes()));
    check(file, tensors);
    ByteBuffer header = header(file, tensors);
    Path part = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".part");
    try {
      try {
        writeAll(part, header, tensors);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException failed) {
      throw new WeightsException(file + ": cannot be written: " + failed, failed);
    }
  }

  private static void check(Path file, List<Tensor> tensors) {
    Set<String> names = new HashSet<>();
    for (Tensor tensor : tensors) {
      String name = tensor.name();
      if (name.equals(Header.METADATA)) {
        throw new WeightsException(file + ": a tensor cannot be named \"" + name + "\"");
      }
      if (!StandardCharsets.UTF_8.newEncoder().canEncode(name)) {
        throw new WeightsException(file + ": the name \"" + name + "\" is not Unicode text");
      }
      if (!names.add(name)) {
        throw new WeightsException(file + ": tensor \"" + name + "\" is given twice");
      }
      if (name.length() > Header.MOST_NAME) {
        throw new WeightsException(
            file
                + ": a tensor's name has "
                + name.length()
                + " characters, more than "
                + Header.MOST_NAME);
      }
      if (tensor.shape().size() > Header.MOST_EXTENTS) {
        throw new WeightsException(
            file
                + ": tensor \""
                + name
                + "\" has "
                + tensor.shape().size()
                + " extents, more than "
                + Header.MOST_EXTENTS);
      }
    }
  }

  private static ByteBuffer header(Path file, List<Tensor> tensors) {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    try (JsonGenerator generator = JSON.createGenerator(ObjectWriteContext.empty(), json)) {
      long at = 0;
      generator.writeStartObject();
      for (Tensor tensor : tensors) {
        long end = at + tensor.bytes().remaining();
        generator.writeObjectPropertyStart(tensor.name());
        generator.writeStringProperty("dtype", tensor.type().name());
        generator.writeArrayPropertyStart("shape");
        for (int extent : tensor.shape()) {
          generator.writeNumber(extent);
        }
        generator.writeEndArray();
        generator.writeArrayPropertyStart("data_offsets");
        generator.writeNumber(at);
        generator.writeNumber(end);
        generator.writeEndArray();
        generator.writeEndObject();
        at = end;
      }
      generator.writeEndObject();
    }
    while (json.size() % ALIGNMENT != 0) {
      json.write(' ');
    }
    if (json.size() > Header.MOST_BYTES) {
      throw new WeightsException(
          file + ": a header of " + json.size() + " bytes is longer than " + Header.MOST_BYTES);
    }
    ByteBuffer header = ByteBuffer.allocate(Long.BYTES + json.size());
    header.order(ByteOrder.LITTLE_ENDIAN).putLong(json.size()).put(json.toByteArray());
    return header.flip();
  }

  private static void writeAll(Path part, ByteBuffer header, List<Tensor> tensors)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      write(channel, header);
      for (Tensor tensor : tensors) {
        write(channel, tensor.bytes());
      }
      channel.force(true);
    }
  }

  private static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
