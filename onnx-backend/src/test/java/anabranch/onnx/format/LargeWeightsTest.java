package anabranch.onnx.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.weights.DType;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which weights a graph names where they are stored, and which are too many for one. */
class LargeWeightsTest {
  private static final int SIDE = 256;

  @TempDir Path folder;

  @Test
  void weightsOfOneFolderAreNamedWhereTheyLieAtAlignedOffsets() throws Exception {
    try (Safetensors here = written(folder);
        Safetensors there = written(Files.createDirectory(folder.resolve("there")))) {
      Tensor one = here.tensor("one");
      LargeWeights.Stored stored = LargeWeights.Stored.of(List.of(one, here.tensor("two")));
      assertNotNull(stored);
      assertEquals(folder.toRealPath(), stored.folder());
      assertNull(LargeWeights.Stored.of(List.of()));
      assertNull(LargeWeights.Stored.of(List.of(one, there.tensor("two"))), "another folder");
      assertNull(LargeWeights.Stored.of(List.of(one, tensor("three"))), "no file");
      assertNotNull(LargeWeights.Stored.of(List.of(one, moved(one, DType.F32, 4))));
      assertNull(LargeWeights.Stored.of(List.of(one, moved(one, DType.F32, 2))), "no multiple");
      assertNull(LargeWeights.Stored.of(List.of(one, moved(one, DType.I32, 0))), "no fp32");
    }
  }

  /** Such a graph would be laid out for nothing. */
  @Test
  void aGraphThatStacksLargeMatricesHasNoneThatLieAsItNeedsThem() {
    Constants constants = new Constants();
    constants.weight("one", SIDE, SIDE);
    assertEquals(List.of("one"), constants.large());
    constants.stack("small", new Stack(List.of(List.of("a"), List.of("b")), 1, SIDE));
    assertEquals(List.of("one"), constants.large());
    constants.stack("stack", new Stack(List.of(List.of("two"), List.of("three")), SIDE, SIDE));
    assertEquals(List.of(), constants.large());
  }

  @Test
  void aGraphBeyondItsFormatIsNamed() {
    Message large = new Message();
    for (int part = 0; part < 3; part++) {
      large.bytes(1, 1 << 30, into -> {});
    }
    IllegalStateException refused =
        assertThrows(
            IllegalStateException.class,
            () -> large.layOut("graph \"large\"", ByteBuffer::allocateDirect));
    assertEquals(
        "graph \"large\" has " + large.size() + " bytes, at most 2147483647", refused.getMessage());
  }

  private static Safetensors written(Path folder) {
    Path file = folder.resolve("weights.safetensors");
    Safetensors.write(file, List.of(tensor("one"), tensor("two")));
    return Safetensors.open(file);
  }

  private static Tensor tensor(String name) {
    return MemoryWeights.tensor(name, List.of(SIDE, SIDE), new float[SIDE * SIDE]);
  }

  private static Tensor moved(Tensor tensor, DType type, long bytes) {
    return new Tensor("moved", type, tensor.shape(), tensor.bytes(), tensor.place().behind(bytes));
  }
}
