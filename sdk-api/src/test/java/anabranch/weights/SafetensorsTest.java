package anabranch.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void numbersWrittenByHandAreRead() {
    // Data order differs from header order, and the fp32 numbers are not aligned.
    String header =
        "{\n \"wide\" : {\"shape\":[2,1],\"dtype\":\"F32\",\"data_offsets\":[2,10]},"
            + "\"__metadata__\":{\"format\":\"pt\"},"
            + "\"half\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]},"
            + "\"b\\u00e9\":{\"dtype\":\"BF16\",\"shape\":[1,3],\"data_offsets\":[10,16]}}   ";
    byte[] file =
        Handmade.file(
            header,
            bytes(
                    0x00, 0xc0, 0xdb, 0x0f, 0x49, 0x40, 0x00, 0x00, 0x80, 0xbf, 0x80, 0x3f, 0x49,
                    0x40, 0x80, 0xff)
                .array());
    try (Safetensors read = Safetensors.open(Handmade.in(folder, file))) {
      assertEquals(Set.of("wide", "half", "b\u00e9"), read.names());
      assertEquals(List.of(), read.tensor("half").shape());
      assertEquals(DType.F16, read.tensor("half").type());
      assertArrayEquals(new float[] {-2}, Numbers.of(read.tensor("half")));
      assertEquals(List.of(2, 1), read.tensor("wide").shape());
      assertArrayEquals(new float[] {(float) Math.PI, -1}, Numbers.of(read.tensor("wide")));
      assertArrayEquals(
          new float[] {1, 3.140625f, Float.NEGATIVE_INFINITY}, Numbers.of(read.tensor("b\u00e9")));
    }
  }

  @Test
  void everyTypeSurvivesTheRoundTrip() {
    List<Tensor> tensors =
        List.of(
            random("half", DType.F16, 3, 5),
            random("wide", DType.F32, 7),
            random("brain", DType.BF16, 2, 2, 2),
            random("one", DType.F32));
    Path file = folder.resolve("round.safetensors");
    Safetensors.write(file, tensors);
    try (Safetensors read = Safetensors.open(file)) {
      assertEquals(List.of("wide", "one", "half", "brain"), List.copyOf(read.names()));
      for (Tensor tensor : tensors) {
        Tensor same = read.tensor(tensor.name());
        assertEquals(tensor.type(), same.type());
        assertEquals(tensor.shape(), same.shape());
        assertEquals(tensor.bytes(), same.bytes());
        assertEquals(tensor.name(), same.name());
      }
    }
  }

  @Test
  void noTensorsAreAFileToo() {
    Path file = folder.resolve("none.safetensors");
    Safetensors.write(file, List.of());
    try (Safetensors read = Safetensors.open(file)) {
      assertEquals(Set.of(), read.names());
    }
  }

  @Test
  void equalTensorsGiveEqualFiles() throws IOException {
    List<Tensor> tensors = List.of(random("a", DType.F16, 3), random("b", DType.F32, 2));
    Path one = folder.resolve("one");
    Path two = folder.resolve("two");
    Safetensors.write(one, tensors);
    Safetensors.write(two, tensors);
    assertArrayEquals(Files.readAllBytes(one), Files.readAllBytes(two));
  }

  @Test
  void longNamesAndManyExtentsAreTheSameBoundForBothWays() {
    Path file = folder.resolve("long.safetensors");
    Integer[] extents = new Integer[Header.MOST_EXTENTS];
    Arrays.fill(extents, 1);
    String longest = "\u6cb3".repeat(Header.MOST_NAME);
    Safetensors.write(file, List.of(MemoryWeights.tensor(longest, List.of(extents), 5)));
    try (Safetensors read = Safetensors.open(file)) {
      assertArrayEquals(new float[] {5}, Numbers.of(read.tensor(longest)));
    }
    refusesToWrite(MemoryWeights.tensor(longest + "x", List.of(1), 5), "4097", "4096");
    List<Integer> more = Stream.concat(Stream.of(extents), Stream.of(1)).toList();
    refusesToWrite(MemoryWeights.tensor("t", more, 5), "\"t\"", "33", "32");
  }

  @Test
  void reservedAndBrokenNamesAreNotWritten() {
    refusesToWrite(MemoryWeights.tensor("__metadata__", List.of(1), 5), "__metadata__");
    refusesToWrite(MemoryWeights.tensor("\ud800", List.of(1), 5), "name");
  }

  @Test
  void oneNameIsWrittenOnce() {
    Tensor tensor = MemoryWeights.tensor("t", List.of(1), 5);
    Path file = folder.resolve("twice");
    WeightsException refusal =
        assertThrows(
            WeightsException.class, () -> Safetensors.write(file, List.of(tensor, tensor)));
    assertTrue(refusal.getMessage().contains("\"t\" is given twice"), refusal.getMessage());
    assertFalse(Files.exists(file));
  }

  @Test
  void fileThatCannotBeFinishedStaysAsItWas() throws IOException {
    Path file = folder.resolve("kept.safetensors");
    Safetensors.write(file, List.of(MemoryWeights.tensor("t", List.of(1), 1)));
    byte[] before = Files.readAllBytes(file);
    Thread.currentThread().interrupt();
    try {
      assertThrows(
          WeightsException.class,
          () -> Safetensors.write(file, List.of(MemoryWeights.tensor("t", List.of(1), 2))));
    } finally {
      assertTrue(Thread.interrupted());
    }
    assertArrayEquals(before, Files.readAllBytes(file));
    assertEquals(List.of(file), contents());
  }

  @Test
  void fileIsReplacedWhileItsTensorsAreRead() throws IOException {
    Path file = folder.resolve("replaced.safetensors");
    Safetensors.write(file, List.of(MemoryWeights.tensor("t", List.of(2), 1, 2)));
    try (Safetensors old = Safetensors.open(file)) {
      Safetensors.write(file, List.of(MemoryWeights.tensor("t", List.of(1), 9)));
      assertArrayEquals(new float[] {1, 2}, Numbers.of(old.tensor("t")));
      try (Safetensors next = Safetensors.open(file)) {
        assertArrayEquals(new float[] {9}, Numbers.of(next.tensor("t")));
      }
    }
    assertEquals(List.of(file), contents());
  }

  @Test
  void tensorsBehindFourGigabytesAreRead() throws IOException {
    int many = 1_000_000_000;
    String header =
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[1000000000],\"data_offsets\":[0,2000000000]},"
            + "\"b\":{\"dtype\":\"BF16\",\"shape\":[1000000000],"
            + "\"data_offsets\":[2000000000,4000000000]},"
            + "\"c\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4000000000,4000000008]},"
            + "\"d\":{\"dtype\":\"F32\",\"shape\":[500000000],"
            + "\"data_offsets\":[4000000008,6000000008]}}";
    byte[] start = Handmade.file(header);
    Path file = Handmade.in(folder, start);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
      channel.write(bytes(0x80, 0x3f), start.length + 4_000_000_000L - 2);
      channel.write(bytes(0, 0, 0, 0x40, 0, 0, 0x40, 0x40), start.length + 4_000_000_000L);
      channel.write(bytes(0, 0, 0x80, 0xc0), start.length + 6_000_000_008L - 4);
    }
    try (Safetensors read = Safetensors.open(file)) {
      assertEquals(many, read.tensor("b").elements());
      assertEquals((short) 0x3f80, read.tensor("b").bytes().getShort(2 * many - 2));
      assertEquals(0, read.tensor("a").bytes().getShort(2 * many - 2));
      assertArrayEquals(new float[] {2, 3}, Numbers.of(read.tensor("c")));
      assertEquals(-4f, read.tensor("d").bytes().getFloat(4 * (many / 2) - 4));
    }
  }

  @Test
  void closedWeightsRefuseAndTensorsTakenStayReadable() {
    Path file = folder.resolve("closed.safetensors");
    Safetensors.write(file, List.of(MemoryWeights.tensor("t", List.of(1), 3)));
    Safetensors read = Safetensors.open(file);
    Tensor taken = read.tensor("t");
    read.close();
    read.close();
    assertThrows(IllegalStateException.class, read::names);
    assertThrows(IllegalStateException.class, () -> read.tensor("t"));
    assertArrayEquals(new float[] {3}, Numbers.of(taken));
  }

  @Test
  void missingTensorNamesTheNearest() {
    Path file = folder.resolve("near.safetensors");
    Safetensors.write(
        file,
        List.of(
            MemoryWeights.tensor("head.bias", List.of(1), 3),
            MemoryWeights.tensor("head.weight", List.of(1), 3)));
    try (Safetensors read = Safetensors.open(file)) {
      WeightsException missing =
          assertThrows(WeightsException.class, () -> read.tensor("head.weigth"));
      assertTrue(missing.getMessage().contains("\"head.weigth\""), missing.getMessage());
      assertTrue(missing.getMessage().contains("\"head.weight\""), missing.getMessage());
    }
  }

  @Test
  void whatIsNoFileIsRefused() {
    Path absent = folder.resolve("absent");
    for (Path path : List.of(absent, folder)) {
      WeightsException refusal = assertThrows(WeightsException.class, () -> Safetensors.open(path));
      assertTrue(refusal.getMessage().startsWith(path + ": "), refusal.getMessage());
    }
    assertThrows(WeightsException.class, () -> Safetensors.write(folder, List.of()));
    assertThrows(
        WeightsException.class, () -> Safetensors.write(absent.resolve("below"), List.of()));
  }

  private void refusesToWrite(Tensor tensor, String... words) {
    Path file = folder.resolve("refused.safetensors");
    WeightsException refusal =
        assertThrows(WeightsException.class, () -> Safetensors.write(file, List.of(tensor)));
    for (String word : words) {
      assertTrue(refusal.getMessage().contains(word), refusal.getMessage());
    }
    assertFalse(Files.exists(file));
  }

  private List<Path> contents() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  private static Tensor random(String name, DType type, Integer... shape) {
    int elements = Stream.of(shape).reduce(1, (a, b) -> a * b);
    byte[] data = new byte[elements * type.bytes()];
    new SplittableRandom(name.hashCode()).nextBytes(data);
    return new Tensor(name, type, List.of(shape), ByteBuffer.wrap(data));
  }

  private static ByteBuffer bytes(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      bytes.put((byte) value);
    }
    return bytes.flip();
  }
}
