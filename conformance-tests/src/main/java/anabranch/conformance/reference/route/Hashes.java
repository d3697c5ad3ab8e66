package anabranch.conformance.reference.route;

/** The hash of routers that draw, and of those that read token ids. Stateless. */
final class Hashes {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private Hashes() {}

  /** Rule R1: folds words into a seed. */
  static long hash(long seed, long... words) {
    long hash = seed;
    for (long word : words) {
      hash = mix(hash + GOLDEN + mix(word + GOLDEN));
    }
    return hash;
  }

  /** The finaliser of SplitMix64 (Steele et al.). */
  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Returns a number in {@code 0..n-1} from the upper half of a hash. */
  static int below(long hash, int n) {
    return (int) (((hash >>> 32) * n) >>> 32);
  }

  /** Returns a number in [0, 1) from the upper 53 bits of a hash. */
  static double unit(long hash) {
    return (hash >>> 11) * 0x1p-53;
  }
}
