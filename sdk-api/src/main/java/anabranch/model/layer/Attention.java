package anabranch.model.layer;

import anabranch.error.Bounds;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Multi-head attention (Vaswani et al.), scaled by {@code 1/sqrt(headWidth)}; with fewer key/value
 * heads than heads, each serves {@code heads / keyValueHeads} consecutive heads (Ainslie et al.,
 * GQA).
 *
 * @param heads query heads, at least 1
 * @param keyValueHeads key and value heads; divides {@code heads}
 * @param headWidth length of one head's vectors; all heads together have at most 2^20
 * @param mask which rows a row may read
 * @param rotary rotation of queries and keys by position; null for none
 * @param bias whether the four projections add a bias
 */
public record Attention(
    int heads, int keyValueHeads, int headWidth, Mask mask, @Nullable Rotary rotary, boolean bias)
    implements Operation {
  private static final int MOST_WIDTH = 1 << 20;

  /** Which rows of its sequence a row may read. */
  public enum Mask {
    /** Itself and earlier rows. */
    CAUSAL,
    /** All rows of its event. */
    FULL,
    /** The rows of the sequence's memory, such as an encoder's, and none of its own. */
    MEMORY
  }

  /**
   * Rotary positions (Su et al., RoFormer): the halves of a head's vector are rotated against each
   * other, element i of {@code n = headWidth/2} by {@code position * base^(-i/n)} radians.
   *
   * @param base above 1
   */
  public record Rotary(double base) {
    /** Checks the bound. */
    public Rotary {
      Bounds.positive("attention.rotary.base", base);
      Bounds.require(base > 1, "attention.rotary.base " + base + " is not above 1");
    }
  }

  /** Checks the bounds. */
  public Attention {
    Bounds.atLeast("attention.heads", heads, 1);
    Bounds.within("attention.keyValueHeads", keyValueHeads, 1, heads);
    Bounds.require(
        heads % keyValueHeads == 0,
        "attention.keyValueHeads " + keyValueHeads + " does not divide heads " + heads);
    Bounds.atLeast("attention.headWidth", headWidth, 1);
    Bounds.require(
        (long) heads * headWidth <= MOST_WIDTH,
        "attention.heads " + heads + " times headWidth " + headWidth + " is above " + MOST_WIDTH);
    Bounds.require(
        rotary == null || mask != Mask.MEMORY,
        "attention.rotary does not go with mask MEMORY, whose rows have no common positions");
    Bounds.require(
        rotary == null || headWidth % 2 == 0,
        "attention.headWidth " + headWidth + " is odd, so rotary positions have no halves");
  }

  /** Returns causal attention without bias or rotary positions. */
  public static Attention causal(int heads, int headWidth) {
    return new Attention(heads, heads, headWidth, Mask.CAUSAL, null, false);
  }

  /** Returns bidirectional attention without bias or rotary positions. */
  public static Attention full(int heads, int headWidth) {
    return new Attention(heads, heads, headWidth, Mask.FULL, null, false);
  }

  /** Returns attention to the rows of the memory. */
  public static Attention memory(int heads, int headWidth) {
    return new Attention(heads, heads, headWidth, Mask.MEMORY, null, false);
  }

  /** Returns this attention with rotary positions. */
  public Attention withRotary(double base) {
    return new Attention(heads, keyValueHeads, headWidth, mask, new Rotary(base), bias);
  }

  /** Returns this attention with that many key and value heads. */
  public Attention withKeyValueHeads(int count) {
    return new Attention(heads, count, headWidth, mask, rotary, bias);
  }

  /** Returns this attention with biases. */
  public Attention withBias() {
    return new Attention(heads, keyValueHeads, headWidth, mask, rotary, true);
  }

  /** Returns the length of all query heads together. */
  public int queryWidth() {
    return heads * headWidth;
  }

  /** Returns the length of all key (or value) heads together. */
  public int keyValueWidth() {
    return keyValueHeads * headWidth;
  }

  @Override
  public void parameters(String path, int width, Consumer<Parameter> into) {
    project(path + ".q", queryWidth(), width, into);
    project(path + ".k", keyValueWidth(), width, into);
    project(path + ".v", keyValueWidth(), width, into);
    project(path + ".o", width, queryWidth(), into);
  }

  private void project(String path, int out, int in, Consumer<Parameter> into) {
    into.accept(Parameter.matrix(path + ".weight", out, in));
    if (bias) {
      into.accept(Parameter.vector(path + ".bias", out));
    }
  }

  @Override
  public boolean mixes() {
    return mask != Mask.MEMORY;
  }
}
