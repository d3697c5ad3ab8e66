package anabranch.benchmarks.peer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.measure.Tensors;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Weights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeersTest {
  @TempDir Path folder;

  @Test
  void otherSystemsAreNotOnTheClassPathOfTheBenchmarks() {
    for (String type : List.of("ai.djl.ndarray.NDArray", "de.kherud.llama.LlamaModel")) {
      assertThrows(ClassNotFoundException.class, () -> Class.forName(type));
    }
  }

  @Test
  void whereTheyWereNotBuiltAnErrorSaysHow() {
    Path absent = folder.resolve("absent");
    for (String part : Peers.PARTS) {
      IllegalStateException error =
          assertThrows(
              IllegalStateException.class,
              () -> Peers.run(part, absent, folder, "onnx", 1, new Report(part, line -> {})));
      assertTrue(
          error.getMessage().contains("./mvnw -q -f benchmarks/peers/pom.xml compile"),
          error.getMessage());
    }
  }

  @Test
  void aFileSaysHowManyThereAreAndTensorsBeginAtMultiplesOf32() throws IOException {
    Path file = folder.resolve("some.gguf");
    new Gguf()
        .text("name", "é")
        .number("one", 7)
        .number("half", 0.5f)
        .flag("yes", true)
        .texts("words", List.of("a", "bc"))
        .numbers("types", 1, 2)
        .numbers("scores", 0f)
        .tensor("first", List.of(new float[] {1, 2}, new float[] {3}), 3)
        .tensor("second", List.of(new float[] {4, 5, 6, 7}), 2, 2)
        .write(file);
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(0x46554747, in.getInt());
    assertEquals(3, in.getInt());
    assertEquals(2, in.getLong());
    assertEquals(7, in.getLong());
    field(in, "name", 8);
    assertEquals("é", string(in));
    field(in, "one", 4);
    assertEquals(7, in.getInt());
    field(in, "half", 6);
    assertEquals(0.5f, in.getFloat());
    field(in, "yes", 7);
    assertEquals(1, in.get());
    field(in, "words", 9);
    assertEquals(8, in.getInt());
    assertEquals(2, in.getLong());
    assertEquals("a", string(in));
    assertEquals("bc", string(in));
    field(in, "types", 9);
    assertEquals(5, in.getInt());
    assertEquals(2, in.getLong());
    assertEquals(0x2_0000_0001L, in.getLong());
    field(in, "scores", 9);
    assertEquals(6, in.getInt());
    assertEquals(1, in.getLong());
    assertEquals(0, in.getInt());
    assertEquals("first", string(in));
    assertEquals(1, in.getInt());
    assertEquals(3, in.getLong());
    assertEquals(0, in.getInt());
    assertEquals(0, in.getLong());
    assertEquals("second", string(in));
    assertEquals(2, in.getInt());
    assertEquals(2, in.getLong());
    assertEquals(2, in.getLong());
    assertEquals(0, in.getInt());
    assertEquals(32, in.getLong());
    int data = (in.position() + 31) / 32 * 32;
    assertEquals(data + 64, in.capacity());
    assertEquals(3, in.getFloat(data + 8));
    assertEquals(7, in.getFloat(data + 32 + 12));
  }

  private static void field(ByteBuffer in, String name, int type) {
    assertEquals(name, string(in));
    assertEquals(type, in.getInt());
  }

  private static String string(ByteBuffer in) {
    byte[] bytes = new byte[Math.toIntExact(in.getLong())];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Test
  void lettersAreTokens() {
    int[] ids = {4, 511, 256};
    assertArrayEquals(ids, SmallMixtral.tokens(SmallMixtral.letters(ids)));
  }

  @Test
  void halvesOfHeadsBecomePairs() {
    float[] rows = new float[SmallMixtral.WIDTH * SmallMixtral.WIDTH];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i / SmallMixtral.WIDTH;
    }
    float[] pairs = SmallMixtral.interleaved(rows);
    int[] found = new int[6];
    for (int i = 0; i < found.length; i++) {
      int row = i < 4 ? i : 60 + i;
      found[i] = (int) pairs[row * SmallMixtral.WIDTH];
    }
    assertArrayEquals(new int[] {0, 32, 1, 33, 64, 96}, found);
  }

  @Test
  void aVectorOfLengthOneHasTheLogitsOfItsRow() {
    float[] row = {3, -1, 0.5f, 2};
    float[] scale = {1.1f, 0.9f, 1, 1.2f};
    double[] vector = new double[row.length];
    double square = 0;
    for (int c = 0; c < row.length; c++) {
      vector[c] = row[c] * scale[c];
      square += vector[c] * vector[c];
    }
    for (int c = 0; c < row.length; c++) {
      vector[c] /= Math.sqrt(square);
    }
    float[] matrix = {1, 2, 3, 4, 0, -1, 0, 1};
    Weights weights =
        MemoryWeights.of(
            List.of(
                MemoryWeights.tensor("head.norm.weight", List.of(4), scale),
                MemoryWeights.tensor("head.weight", List.of(2, 4), matrix)));
    assertArrayEquals(
        Tensors.head(weights, "head", row, 0), BesideLlama.logits(vector, weights), 1e-6);
  }

  @Test
  void tokensMayDifferOnlyWhereTheyAreEquallyLikely() {
    List<float[]> logits = List.of(new float[] {1, 0}, new float[] {2, 2}, new float[] {0, 5});
    assertEquals(3, BesideLlama.requireSame(new int[] {0, 1, 1}, new int[] {0, 1, 1}, logits));
    assertEquals(1, BesideLlama.requireSame(new int[] {0, 1, 1}, new int[] {0, 0, 0}, logits));
    assertThrows(
        AssertionError.class,
        () -> BesideLlama.requireSame(new int[] {0, 1, 1}, new int[] {1, 1, 1}, logits));
    assertThrows(
        AssertionError.class,
        () -> BesideLlama.requireSame(new int[] {0, 1, 1}, new int[] {0, 1}, logits));
  }
}
