package anabranch.onnx.graph;

import anabranch.onnx.format.Products;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Whose operators compute a graph: what they demand of how it is written. Immutable. */
public enum Kernels {
  /** Those of CPUs. */
  CPU,
  /** Those of CUDA. */
  CUDA;

  /** CUDA's operator for experts reads rows of matrices in pieces of so many bits. */
  private static final int PIECE = 128;

  /** Returns whether products of 16 bits are computed in fp32, on rounded operands. */
  public boolean wide() {
    return this == CPU;
  }

  /**
   * Returns why the operator for all experts of a mixture does not take them, in words that follow
   * the mixture's name; null where it does, as far as their sizes go.
   *
   * @param width of rows
   * @param inner of the experts
   * @param products in which numbers their weights are
   */
  public @Nullable String refusal(int width, int inner, Products products) {
    int step = PIECE / (products == Products.FP32 ? Float.SIZE : Short.SIZE);
    if (this == CPU || width % step == 0 && inner % step == 0) {
      return null;
    }
    return "on CUDA its operator takes multiples of "
        + step
        + " in "
        + products.name().toLowerCase(Locale.ROOT)
        + ", not widths of "
        + width
        + " and "
        + inner;
  }
}
