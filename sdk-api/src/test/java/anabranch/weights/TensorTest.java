package anabranch.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorTest {
  @Test
  void extentsBelowOneAreRefused() {
    refused(List.of(0, 3), 0, "\"t\"", "[0, 3]", "extent 0", "below 1");
    refused(List.of(-2, -3), 24, "\"t\"", "[-2, -3]", "extent -2", "below 1");
  }

  @Test
  void shapesThatOverflowAreRefused() {
    int most = Integer.MAX_VALUE;
    refused(List.of(most, most, most), 8, "\"t\"", "F32", "2147483647 bytes");
    refused(List.of(1 << 16, 1 << 16, 1 << 16, 1 << 16), 0, "\"t\"", "2147483647 bytes");
  }

  @Test
  void dataOfAnotherLengthIsRefused() {
    refused(List.of(2, 3), 23, "\"t\"", "23 bytes", "F32 [2, 3]", "24");
    refused(List.of(2, 3), 25, "\"t\"", "25 bytes", "24");
  }

  @Test
  void emptyShapeIsOneNumber() {
    Tensor scalar = MemoryWeights.tensor("t", List.of(), 7);
    assertEquals(1, scalar.elements());
    assertArrayEquals(new float[] {7}, Numbers.of(scalar));
  }

  @Test
  void bytesAreReadOnlyLittleEndianAndStartAtZero() {
    Tensor tensor = MemoryWeights.tensor("t", List.of(2), 1, -2);
    ByteBuffer bytes = tensor.bytes();
    assertEquals(0, bytes.position());
    assertEquals(8, bytes.remaining());
    assertEquals(ByteOrder.LITTLE_ENDIAN, bytes.order());
    assertEquals(-2f, bytes.getFloat(4));
    assertThrows(ReadOnlyBufferException.class, () -> bytes.put(0, (byte) 1));
    bytes.position(8);
    assertEquals(0, tensor.bytes().position());
  }

  @Test
  void positionOfTheGivenBufferCounts() {
    ByteBuffer data = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(1).putFloat(2).putFloat(3).position(4).limit(8);
    assertArrayEquals(new float[] {2}, Numbers.of(new Tensor("t", DType.F32, List.of(1), data)));
  }

  @Test
  void copyingNeedsRoomForAllNumbers() {
    ByteBuffer halves = ByteBuffer.allocate(4);
    Tensor wide = MemoryWeights.tensor("t", List.of(2), 1, 2);
    Tensor narrow = new Tensor("t", DType.F16, List.of(2), halves);
    for (Tensor tensor : List.of(wide, narrow)) {
      FloatBuffer room = FloatBuffer.allocate(1);
      assertThrows(BufferOverflowException.class, () -> tensor.copyTo(room));
      assertEquals(0, room.position());
    }
  }

  private static void refused(List<Integer> shape, int bytes, String... words) {
    WeightsException refusal =
        assertThrows(
            WeightsException.class,
            () -> new Tensor("t", DType.F32, shape, ByteBuffer.allocate(bytes)));
    for (String word : words) {
      assertTrue(refusal.getMessage().contains(word), refusal.getMessage());
    }
  }
}
