package anabranch.model.route;

/** Step 1: one number for each expert. */
public sealed interface Logits {
  /**
   * A learned matrix, one row for each expert; reads the hidden vector.
   *
   * @param bias whether a bias is added
   */
  record Linear(boolean bias) implements Logits {}

  /**
   * 1 for the expert {@code below(hash(seed, tokenId), experts)} and 0 for the others; reads the
   * token id (Roller et al., Hash Layers). The hash folds 64-bit words with the SplitMix64
   * finaliser: {@code mix(h + G + mix(v + G))} with {@code G = 0x9E3779B97F4A7C15}, starting from
   * the seed; {@code below(h, n) = ((h >>> 32) * n) >>> 32}.
   *
   * @param seed any number
   */
  record TokenHash(long seed) implements Logits {}
}
