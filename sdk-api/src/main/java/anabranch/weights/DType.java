package anabranch.weights;

/** How a number is stored; always little-endian. */
public enum DType {
  /** IEEE 754 binary32. */
  F32(4),
  /** IEEE 754 binary16. */
  F16(2),
  /** The upper half of a binary32. */
  BF16(2),
  /** IEEE 754 binary64. */
  F64(8),
  /** A whole number of 64 bits, in two's complement. */
  I64(8),
  /** A whole number of 32 bits, in two's complement. */
  I32(4),
  /** A whole number in 0..255. */
  U8(1),
  /** 0 or 1. */
  BOOL(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the bytes of one number. */
  public int bytes() {
    return bytes;
  }
}
