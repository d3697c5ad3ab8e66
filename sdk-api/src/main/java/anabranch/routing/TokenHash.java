package anabranch.routing;

/** The hash of {@link anabranch.model.route.Logits.TokenHash}. Stateless. */
final class TokenHash {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;
  private static final double UNIT = 0x1p-53;

  private TokenHash() {}

  /** Returns the expert in {@code 0..experts-1} that a seed gives to a token id. */
  static int expert(long seed, int token, int experts) {
    return below(fold(seed, token), experts);
  }

  /** Folds one more word into a hash, or the first into a seed. */
  static long fold(long hash, long word) {
    return mix(hash + GOLDEN + mix(word + GOLDEN));
  }

  /** Maps a hash to {@code 0..n-1} by its upper half. */
  static int below(long hash, int n) {
    return (int) (((hash >>> 32) * n) >>> 32);
  }

  /** Maps a hash to [0, 1) by its upper 53 bits. */
  static double unit(long hash) {
    return (hash >>> 11) * UNIT;
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood). */
  static long mix(long z) {
    long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
    return b ^ (b >>> 31);
  }
}
