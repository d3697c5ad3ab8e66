package anabranch.model.position;

import anabranch.error.Bounds;
import org.jspecify.annotations.Nullable;

/**
 * Rotary positions (Su et al., RoFormer): pairs of elements are rotated against each other, pair i
 * of n by {@code position * base^(-i/n)} radians, as far as nothing scales that.
 *
 * @param base above 1
 * @param interleaved whether pair i is elements 2i and 2i + 1 (GPT-J, DeepSeek); else i and i + n
 *     (Llama)
 * @param part how many elements of a head are rotated, the first ones, even; null for all (Black et
 *     al., GPT-NeoX)
 * @param scaling of the angles; null for none
 */
public record Rotary(
    double base, boolean interleaved, @Nullable Integer part, @Nullable Scaling scaling) {
  /** How the angles of longer texts than those of the training are brought into reach. */
  public sealed interface Scaling {}

  /**
   * All angles are divided (Chen et al., Position Interpolation).
   *
   * @param factor above 0
   */
  public record Linear(double factor) implements Scaling {
    /** Checks the bound. */
    public Linear {
      Bounds.positive("attention.rotary.scaling.factor", factor);
    }
  }

  /**
   * Angles are divided where pairs turn slowly and stay where they turn fast (Peng et al., YaRN):
   * with {@code border(b) = n * ln(originalLength / (2 pi b)) / ln(base)}, pair i has a share
   * {@code (i - low) / (high - low)}, cut to 0..1, of the divided angle and the rest of its own;
   * low is the larger of 0 and border(betaFast), high the smaller of 2n - 1 and border(betaSlow).
   * Where they are equal, high is 0.001 more.
   *
   * @param factor above 0, what angles are divided by
   * @param originalLength rows of the training, at least 1
   * @param betaFast turns within the original length from which on angles stay, above 0
   * @param betaSlow turns below which angles are divided, above 0
   * @param attentionFactor what rotated elements are multiplied by, above 0
   * @param truncated whether the borders are rounded, that of betaFast down, that of betaSlow up
   */
  public record Yarn(
      double factor,
      int originalLength,
      double betaFast,
      double betaSlow,
      double attentionFactor,
      boolean truncated)
      implements Scaling {
    /** Checks the bounds. */
    public Yarn {
      Bounds.positive("attention.rotary.scaling.factor", factor);
      Bounds.atLeast("attention.rotary.scaling.originalLength", originalLength, 1);
      Bounds.positive("attention.rotary.scaling.betaFast", betaFast);
      Bounds.positive("attention.rotary.scaling.betaSlow", betaSlow);
      Bounds.positive("attention.rotary.scaling.attentionFactor", attentionFactor);
    }

    /**
     * Returns the paper's constants: betas 32 and 1, an attention factor of {@code 0.1 ln(factor) +
     * 1}, rounded borders.
     *
     * @param factor at least 1
     */
    public static Yarn of(double factor, int originalLength) {
      double attention = factor > 1 ? 0.1 * Math.log(factor) + 1 : 1;
      return new Yarn(factor, originalLength, 32, 1, attention, true);
    }
  }

  /** Checks the bounds. */
  public Rotary {
    Bounds.positive("attention.rotary.base", base);
    Bounds.require(base > 1, "attention.rotary.base " + base + " is not above 1");
    if (part != null) {
      Bounds.atLeast("attention.rotary.part", part, 2);
      Bounds.require(
          part % 2 == 0, "attention.rotary.part " + part + " is odd, so it has no pairs");
    }
  }

  /** Creates positions that rotate the halves of a whole head, unscaled. */
  public Rotary(double base) {
    this(base, false, null, null);
  }

  /** Returns how many elements of a head are rotated. */
  public int width(int headWidth) {
    return part == null ? headWidth : part;
  }
}
