package anabranch.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * All 65 536 numbers of each type, against the formulas of their definitions in exact arithmetic,
 * and what lies between them.
 */
class HalvesTest {
  @Test
  void everyBinary16WidensExactly() {
    float[] widened = all(DType.F16);
    for (int bits = 0; bits <= 0xffff; bits++) {
      assertWidened(bits, 5, 10, widened[bits]);
    }
  }

  @Test
  void everyBfloat16WidensExactly() {
    float[] widened = all(DType.BF16);
    for (int bits = 0; bits <= 0xffff; bits++) {
      assertWidened(bits, 8, 7, widened[bits]);
    }
  }

  @Test
  void payloadsOfNotANumberAreKept() {
    assertEquals(0x7fc02000, Float.floatToRawIntBits(Halves.fromF16((short) 0x7e01)));
    assertEquals(0xffd54000, Float.floatToRawIntBits(Halves.fromF16((short) 0xfeaa)));
    assertEquals(0x7fc10000, Float.floatToRawIntBits(Halves.fromBf16((short) 0x7fc1)));
  }

  @Test
  void everyNumberOf16BitsIsItself() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float half = Halves.fromF16((short) bits);
      if (!Float.isNaN(half)) {
        assertEquals((short) bits, Halves.toF16(half), "half " + half);
      }
      float brain = Halves.fromBf16((short) bits);
      if (!Float.isNaN(brain)) {
        assertEquals((short) bits, Halves.toBf16(brain), "brain " + brain);
      }
    }
    assertTrue(Float.isNaN(Halves.fromF16(Halves.toF16(Float.NaN))));
    assertTrue(Float.isNaN(Halves.fromBf16(Halves.toBf16(Float.NaN))));
  }

  @Test
  void otherNumbersAreRoundedToTheNearestAndTiesToEven() {
    for (int bits = 0; bits < 0x7bff; bits++) {
      float low = Halves.fromF16((short) bits);
      float high = Halves.fromF16((short) (bits + 1));
      requireRounded(DType.F16, bits, low, high);
    }
    for (int bits = 0; bits < 0x7f7f; bits++) {
      float low = Halves.fromBf16((short) bits);
      float high = Halves.fromBf16((short) (bits + 1));
      requireRounded(DType.BF16, bits, low, high);
    }
  }

  private static void requireRounded(DType type, int bits, float low, float high) {
    float middle = low + (high - low) / 2;
    int even = bits + (bits & 1);
    assertEquals(even, rounded(type, middle), type + " " + middle);
    assertEquals(bits, rounded(type, Math.nextDown(middle)), type + " below " + middle);
    assertEquals(bits + 1, rounded(type, Math.nextUp(middle)), type + " above " + middle);
    assertEquals((short) (even | 0x8000), (short) rounded(type, -middle), type + " -" + middle);
  }

  private static int rounded(DType type, float number) {
    return type == DType.F16 ? Halves.toF16(number) : Halves.toBf16(number);
  }

  @Test
  void knownNumbersHaveKnownBits() {
    assertEquals(0x3c00, Halves.toF16(1f));
    assertEquals((short) 0xc000, Halves.toF16(-2f));
    assertEquals(0x7bff, Halves.toF16(Halves.MOST_F16));
    assertEquals(0x0001, Halves.toF16(0x1p-24f));
    assertEquals(0x3555, Halves.toF16(1 / 3f));
    assertEquals((short) 0x8000, Halves.toF16(-0f));
    assertEquals(0x7c00, Halves.toF16(65520f));
    assertEquals(0x3f80, Halves.toBf16(1f));
  }

  private static float[] all(DType type) {
    ByteBuffer data = ByteBuffer.allocate(1 << 17).order(ByteOrder.LITTLE_ENDIAN);
    for (int bits = 0; bits <= 0xffff; bits++) {
      data.putShort((short) bits);
    }
    return Numbers.of(new Tensor("all", type, List.of(256, 256), data.flip()));
  }

  /** IEEE 754, section 3.4, for a sign bit, {@code exponents} and {@code fractions} bits. */
  private static void assertWidened(int bits, int exponents, int fractions, float widened) {
    String at = Integer.toHexString(bits);
    boolean negative = (bits & 0x8000) != 0;
    int exponent = bits >> fractions & (1 << exponents) - 1;
    int fraction = bits & (1 << fractions) - 1;
    assertEquals(negative, (Float.floatToRawIntBits(widened) & 0x80000000) != 0, at);
    if (exponent == (1 << exponents) - 1) {
      assertEquals(fraction != 0, Float.isNaN(widened), at);
      assertEquals(fraction == 0, Float.isInfinite(widened), at);
      return;
    }
    int bias = (1 << exponents - 1) - 1;
    int significand = exponent == 0 ? fraction : fraction + (1 << fractions);
    int power = Math.max(exponent, 1) - bias - fractions;
    BigDecimal value = new BigDecimal(significand).multiply(powerOfTwo(power));
    BigDecimal exact = negative ? value.negate() : value;
    assertEquals(0, exact.compareTo(new BigDecimal(widened)), at);
  }

  private static BigDecimal powerOfTwo(int power) {
    BigDecimal size = new BigDecimal(BigInteger.TWO.pow(Math.abs(power)));
    return power >= 0 ? size : BigDecimal.ONE.divide(size);
  }
}
