package anabranch.weights;

/** Exact conversion of 16-bit numbers to fp32. */
final class Halves {
  private Halves() {}

  /** Widens a binary16: 1 sign, 5 exponent and 10 fraction bits; NaN payloads are kept. */
  static float fromF16(short half) {
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
  static float fromBf16(short half) {
    return Float.intBitsToFloat(half << 16);
  }
}
