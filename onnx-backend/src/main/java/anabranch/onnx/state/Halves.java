package anabranch.onnx.state;

/** Numbers of 16 bits: a sign, 5 bits of exponent, 10 of fraction (IEEE 754 binary16). */
final class Halves {
  /** The largest number. */
  static final float MOST = 65504;

  private Halves() {}

  /** Returns the nearest number of 16 bits, ties to even; infinity beyond the largest. */
  static short of(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00);
    } else if (magnitude >= 0x477ff000) {
      return (short) (sign | 0x7c00);
    } else if (magnitude < 0x38800000) {
      // Numbers below 2^-14 are multiples of 2^-24; adding 1/2 rounds to them.
      float half = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | Float.floatToRawIntBits(half) - 0x3f000000);
    }
    int odd = magnitude >>> 13 & 1;
    return (short) (sign | magnitude - 0x38000000 + 0xfff + odd >>> 13);
  }

  /** Returns a number of 16 bits as one of 32. */
  static float of(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = half >>> 10 & 31;
    int fraction = half & 0x3ff;
    if (exponent == 0) {
      float value = fraction * 0x1p-24f;
      return sign == 0 ? value : -value;
    }
    int shown = exponent == 31 ? 255 : exponent + 112;
    return Float.intBitsToFloat(sign | shown << 23 | fraction << 13);
  }

  /**
   * Returns the nearest number of 16 bits.
   *
   * @throws ArithmeticException if it is beyond the largest
   */
  static float rounded(float value) {
    if (Math.abs(value) > MOST) {
      throw new ArithmeticException(
          "a key or value " + value + " is not in -65504..65504, which onnx.state fp16 can keep");
    }
    return of(of(value));
  }
}
