package anabranch.weights;

/** Conversion between fp32 and numbers of 16 bits, exact where it widens. Stateless. */
public final class Halves {
  /** The largest binary16. */
  public static final float MOST_F16 = 65504;

  private Halves() {}

  /** Widens a binary16: 1 sign, 5 exponent and 10 fraction bits; NaN payloads are kept. */
  public static float fromF16(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >>> 10) & 0x1f;
    int fraction = half & 0x3ff;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int widened = exponent == 31 ? 0xff : exponent + 112;
    return Float.intBitsToFloat(sign | widened << 23 | fraction << 13);
  }

  /** Widens a bfloat16: the upper half of a binary32. */
  public static float fromBf16(short half) {
    return Float.intBitsToFloat(half << 16);
  }

  /** Returns the nearest binary16, ties to even; infinity beyond the largest. */
  public static short toF16(float value) {
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

  /** Returns the nearest bfloat16, ties to even. */
  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }
}
