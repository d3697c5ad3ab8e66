package anabranch.onnx.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Numbers of 16 bits. */
class HalvesTest {
  @Test
  void everyNumberComesBackAsItWas() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = Halves.of((short) bits);
      if (Float.isNaN(value)) {
        assertTrue(Float.isNaN(Halves.of(Halves.of(value))));
      } else {
        assertEquals((short) bits, Halves.of(value), () -> "bits of " + value);
      }
    }
  }

  @Test
  void knownNumbersHaveKnownBits() {
    assertEquals(0x3c00, Halves.of(1f));
    assertEquals((short) 0xc000, Halves.of(-2f));
    assertEquals(0x7bff, Halves.of(65504f));
    assertEquals(0x0001, Halves.of(0x1p-24f));
    assertEquals(0x3555, Halves.of(1 / 3f));
    assertEquals((short) 0x8000, Halves.of(-0f));
    assertEquals(0x7c00, Halves.of(65520f));
  }

  @Test
  void othersBecomeTheNearestWithTiesToEven() {
    SplittableRandom random = new SplittableRandom(4);
    for (int n = 0; n < 200_000; n++) {
      int low = random.nextInt(0x7bff);
      float below = Halves.of((short) low);
      float above = Halves.of((short) (low + 1));
      float middle = below + (above - below) / 2;
      assertEquals((low & 1) == 0 ? low : low + 1, Halves.of(middle), () -> "tie at " + middle);
      assertEquals(low, Halves.of(Math.nextDown(middle)));
      assertEquals(low + 1, Halves.of(Math.nextUp(middle)));
    }
  }

  @Test
  void aNumberBeyondTheLargestIsRefused() {
    assertEquals(65504f, Halves.rounded(65504f));
    ArithmeticException refused =
        assertThrows(ArithmeticException.class, () -> Halves.rounded(-70000f));
    assertEquals(
        "a key or value -70000.0 is not in -65504..65504, which onnx.state fp16 can keep",
        refused.getMessage());
  }
}
