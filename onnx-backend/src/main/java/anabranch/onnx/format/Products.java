package anabranch.onnx.format;

/** In which numbers a graph keeps the weights of its products, and computes these. */
public enum Products {
  /** 32-bit floating point. */
  FP32,
  /** 8-bit whole numbers with a scale for each column and row, see {@link EightBits}. */
  INT8,
  /** IEEE binary16, see {@link SixteenBits}. */
  FP16,
  /** The upper half of 32-bit floating point, see {@link SixteenBits}. */
  BF16
}
