package anabranch.model.route;

import anabranch.error.Bounds;
import anabranch.model.layer.Activation;
import org.jspecify.annotations.Nullable;

/** Step 1: one number for each choice. */
public sealed interface Logits {
  /**
   * A learned matrix, one row for each choice; reads the hidden vector, or the mean of several.
   *
   * @param bias whether a bias is added
   */
  record Linear(boolean bias) implements Logits {}

  /**
   * A learned matrix as in {@link Linear} that reads a hidden layer in place of the vector: {@code
   * W act(V x + c) + b}.
   *
   * @param inner length of the hidden layer, at least 1
   * @param activation its non-linearity
   * @param bias whether both layers add one
   */
  record Network(int inner, Activation activation, boolean bias) implements Logits {
    /** Checks the bound. */
    public Network {
      Bounds.within("router.logits.inner", inner, 1, 1 << 20);
    }
  }

  /**
   * 1 for the expert {@code below(hash(seed, tokenId), experts)} and 0 for the others; reads the
   * token id (Roller et al., Hash Layers). The hash folds 64-bit words with the SplitMix64
   * finaliser: {@code mix(h + G + mix(v + G))} with {@code G = 0x9E3779B97F4A7C15}, starting from
   * the seed; {@code below(h, n) = ((h >>> 32) * n) >>> 32}.
   *
   * @param seed any number
   */
  record TokenHash(long seed) implements Logits {}

  /**
   * 1 for the expert that a table among the weights names for the token id and 0 for the others
   * (Roller et al., Hash Layers). The table holds whole numbers in {@code 0..experts-1}.
   *
   * @param size how many ids the table knows: as many as the input's vocabulary
   */
  record TokenTable(int size) implements Logits {
    /** Checks the bound. */
    public TokenTable {
      Bounds.atLeast("router.table.size", size, 1);
    }
  }

  /**
   * 1 for the expert {@code below(hash(seed, block, key, position), experts)} and 0 for the others,
   * with the hash of {@link TokenHash}; the position is left out where the source is the key alone
   * (Zuo et al., THOR).
   *
   * @param seed any number
   */
  record Random(long seed) implements Logits {}

  /**
   * A learned matrix whose positive part is added to what an earlier router came to, and remembered
   * for later ones: {@code max(0, W x + b) + z} (Lawson and Aitchison, Learning to Skip the Middle
   * Layers).
   *
   * <p>A row carries what is remembered to the next place where units may leave, and no further.
   *
   * @param as the name under which the sum is remembered
   * @param from the name of z; null for 0
   * @param bias whether a bias is added
   */
  record Accumulated(String as, @Nullable String from, boolean bias) implements Logits {
    /** Checks the names. */
    public Accumulated {
      Bounds.name("router.logits.as", as);
      if (from != null) {
        Bounds.name("router.logits.from", from);
      }
    }
  }

  /**
   * What an earlier router of the same row came to.
   *
   * @param from the name under which it is remembered
   */
  record Recalled(String from) implements Logits {
    /** Checks the name. */
    public Recalled {
      Bounds.name("router.logits.from", from);
    }
  }

  /**
   * A learned matrix that reads the condition of the row's event in place of the row: {@code W
   * act(c) + b} (Park et al., Switch Diffusion Transformer).
   *
   * @param numbers how many numbers a condition has; the same for all routers of a model
   * @param activation applied to each of them first
   * @param bias whether a bias is added
   */
  record Conditioned(int numbers, Activation activation, boolean bias) implements Logits {
    /** Checks the bound. */
    public Conditioned {
      Bounds.within("router.logits.numbers", numbers, 1, 1 << 20);
    }
  }

  /** Returns whether a matrix of the weights makes them. */
  default boolean haveWeight() {
    return this instanceof Linear
        || this instanceof Network
        || this instanceof Accumulated
        || this instanceof Conditioned;
  }

  /** Returns the length of what their matrix reads, for hidden vectors of length {@code width}. */
  default int reads(int width) {
    return this instanceof Network network
        ? network.inner
        : this instanceof Conditioned conditioned ? conditioned.numbers : width;
  }

  /**
   * Returns whether they are numbers made of vectors: the row's, an earlier one, or a condition.
   */
  default boolean ofVectors() {
    return haveWeight() || this instanceof Recalled;
  }

  /** Returns whether a row carries something from one router to another. */
  default boolean carried() {
    return this instanceof Accumulated || this instanceof Recalled;
  }
}
