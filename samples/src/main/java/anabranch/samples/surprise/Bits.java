package anabranch.samples.surprise;

import anabranch.engine.Inference;
import java.nio.FloatBuffer;

/** How many bits a model needed for the bytes of a window. Stateless. */
public final class Bits {
  private Bits() {}

  /**
   * Returns the bits of one byte: minus the binary logarithm of its probability under the softmax
   * of the unit's logits.
   */
  public static double of(Inference window, int unit, int value) {
    FloatBuffer logits = window.logits(unit);
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.limit(); i++) {
      most = Math.max(most, logits.get(i));
    }
    double sum = 0;
    for (int i = 0; i < logits.limit(); i++) {
      sum += Math.exp(logits.get(i) - most);
    }
    return (Math.log(sum) + most - logits.get(value)) / Math.log(2);
  }
}
