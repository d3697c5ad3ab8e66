package anabranch.onnx.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class KeyValuesTest {
  @Test
  void aNumberBeyondTheLargestOf16BitsIsRefused() {
    assertEquals(65504f, KeyValues.rounded(65504f));
    ArithmeticException refused =
        assertThrows(ArithmeticException.class, () -> KeyValues.rounded(-70000f));
    assertEquals(
        "a key or value -70000.0 is not in -65504..65504, which onnx.state fp16 can keep",
        refused.getMessage());
  }
}
