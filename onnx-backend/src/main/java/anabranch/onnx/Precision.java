package anabranch.onnx;

import anabranch.onnx.format.Products;

/** In which numbers the products of a model are computed. */
public enum Precision {
  /** 32-bit floating point throughout. */
  FP32("fp32", 2e-5, Products.FP32),

  /**
   * 8-bit whole numbers in the products of attentions, networks and experts with their weights, on
   * a CPU: each column of a weight and each row that meets it has a scale of its own, so that a
   * row's numbers have the same bits in any batch. The embedding, routers, scores, heads, steps of
   * recurrences, norms and sums stay in {@link #FP32}.
   */
  INT8("int8", 0.03, Products.INT8),

  /**
   * IEEE binary16 in the products of attentions, networks and experts with their weights; numbers
   * beyond 65504 become infinite there. Routers, scores, heads, norms and sums stay in {@link
   * #FP32}. On a CPU operands are rounded and products computed in fp32.
   */
  FP16("fp16", 2e-3, Products.FP16),

  /** The same with bfloat16: the range of fp32, and an eighth of the digits of {@link #FP16}. */
  BF16("bf16", 1.6e-2, Products.BF16);

  private final String type;
  private final double tolerance;
  private final Products products;

  Precision(String type, double tolerance, Products products) {
    this.type = type;
    this.tolerance = tolerance;
    this.products = products;
  }

  /** Returns how far numbers may be from exact ones: absolutely, and relative to their row. */
  double tolerance() {
    return tolerance;
  }

  /** Returns what graphs are told of it. */
  Products products() {
    return products;
  }

  /** Returns the value of the setting, which {@link anabranch.backend.Numerics#type} shows too. */
  @Override
  public String toString() {
    return type;
  }
}
