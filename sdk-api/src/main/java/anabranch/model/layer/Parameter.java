package anabranch.model.layer;

import anabranch.error.Bounds;
import java.util.List;

/**
 * One named tensor that a description needs from its weights.
 *
 * @param name where it is used, such as {@code "blocks.0.attention.q.weight"}
 * @param shape its extents, outermost first; a matrix that maps vectors of length {@code in} to
 *     vectors of length {@code out} has the shape {@code [out, in]}
 */
public record Parameter(String name, List<Integer> shape) {
  /** Checks that every extent is at least 1 and copies the shape. */
  public Parameter {
    shape = List.copyOf(shape);
    for (int extent : shape) {
      Bounds.atLeast("shape of " + name, extent, 1);
    }
  }

  /** Returns a matrix that maps vectors of length {@code in} to vectors of length {@code out}. */
  public static Parameter matrix(String name, int out, int in) {
    return new Parameter(name, List.of(out, in));
  }

  /** Returns a vector of the given length. */
  public static Parameter vector(String name, int length) {
    return new Parameter(name, List.of(length));
  }

  /** Returns the number of elements. */
  public long elements() {
    long product = 1;
    for (int extent : shape) {
      product = Math.multiplyExact(product, (long) extent);
    }
    return product;
  }
}
