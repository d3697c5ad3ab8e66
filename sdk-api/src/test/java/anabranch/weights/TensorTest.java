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
import java.util.function.Consumer;
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

  @Test
  void wholeNumbersAndDoublesBecomeFloatsWhereThatIsExact() {
    assertArrayEquals(
        new float[] {-3, 1 << 24}, wide(DType.I64, 16, b -> b.putLong(-3).putLong(1 << 24)));
    assertArrayEquals(
        new float[] {Integer.MIN_VALUE, 7},
        wide(DType.I32, 8, b -> b.putInt(Integer.MIN_VALUE).putInt(7)));
    assertArrayEquals(
        new float[] {0.5f, Float.NaN, Float.NEGATIVE_INFINITY},
        wide(
            DType.F64,
            24,
            b -> b.putDouble(0.5).putDouble(Double.NaN).putDouble(Double.NEGATIVE_INFINITY)));
    assertArrayEquals(
        new float[] {200, 0}, wide(DType.U8, 2, b -> b.put((byte) 200).put((byte) 0)));
    assertArrayEquals(new float[] {1, 0}, wide(DType.BOOL, 2, b -> b.put((byte) 1).put((byte) 0)));
  }

  @Test
  void aNumberThatNoFloatHasIsRefusedByIndexAndValue() {
    refused("I64 [1] 16777217 is not a number of fp32", DType.I64, 16, b -> b.putLong(8, 16777217));
    refused(
        "I64 [0] 9223372036854775807 is not a number of fp32",
        DType.I64,
        8,
        b -> b.putLong(Long.MAX_VALUE));
    refused("I32 [0] 16777217 is not a number of fp32", DType.I32, 4, b -> b.putInt(16777217));
    refused("F64 [0] 0.1 is not a number of fp32", DType.F64, 8, b -> b.putDouble(0.1));
    refused("F64 [0] 1.0E300 is not a number of fp32", DType.F64, 8, b -> b.putDouble(1e300));
    refused("BOOL [1] 2 is not 0 or 1", DType.BOOL, 2, b -> b.put(1, (byte) 2));
  }

  private static void refused(String part, DType type, int bytes, Consumer<ByteBuffer> fill) {
    WeightsException refusal = assertThrows(WeightsException.class, () -> wide(type, bytes, fill));
    assertEquals("tensor \"t\" " + part, refusal.getMessage());
  }

  private static float[] wide(DType type, int bytes, Consumer<ByteBuffer> fill) {
    ByteBuffer data = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    fill.accept(data);
    return Numbers.of(new Tensor("t", type, List.of(bytes / type.bytes()), data.rewind()));
  }
}
