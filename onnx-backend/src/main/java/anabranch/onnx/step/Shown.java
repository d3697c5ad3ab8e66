package anabranch.onnx.step;

import java.nio.FloatBuffer;

/**
 * What rows show to later ones in one attention: direct buffers of fp32, good as long as the scope
 * that lent them is open, or the store that keeps them is not written. Confined to one call.
 *
 * @param keys key width numbers for each row, by place; or all that the sequence keeps, where they
 *     are kept already
 * @param values beside them, value width numbers each, or what stands in their place
 * @param kept whether they were written behind those that a sequence keeps
 */
public record Shown(FloatBuffer keys, FloatBuffer values, boolean kept) {
  /** What was made for this call and is kept nowhere yet. */
  public Shown(FloatBuffer keys, FloatBuffer values) {
    this(keys, values, false);
  }
}
