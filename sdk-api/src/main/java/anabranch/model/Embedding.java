package anabranch.model;

import anabranch.error.Bounds;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Parameter;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How rows become hidden vectors: the sum of a token table (or a projection of the features, plus a
 * table look-up for each category of a record), of positions and of hashed n-grams, then an
 * optional norm.
 *
 * @param learnedPositions whether a table with one vector for each position is added
 * @param ngrams hashed n-gram tables to add; only with token ids
 * @param norm applied to the sum
 * @param multiplier a factor on what stands for the row alone, before anything is added; above 0;
 *     null for 1
 * @param sinusoids positions without parameters to add; null for none
 */
public record Embedding(
    boolean learnedPositions,
    @Nullable Ngrams ngrams,
    @Nullable Norm norm,
    @Nullable Double multiplier,
    @Nullable Sinusoids sinusoids) {
  /** Checks the bound. */
  public Embedding {
    if (multiplier != null) {
      Bounds.positive("embedding.multiplier", multiplier);
    }
  }

  /** Creates an embedding whose rows are not multiplied and whose positions are learned, if any. */
  public Embedding(boolean learnedPositions, @Nullable Ngrams ngrams, @Nullable Norm norm) {
    this(learnedPositions, ngrams, norm, null, null);
  }

  /** Returns a table look-up (or projection) and nothing else. */
  public static Embedding plain() {
    return new Embedding(false, null, null);
  }

  /** Returns a table look-up (or projection) plus learned positions. */
  public static Embedding withPositions() {
    return new Embedding(true, null, null);
  }

  /** Returns this embedding with hashed n-grams added. */
  public Embedding withNgrams(Ngrams added) {
    return new Embedding(learnedPositions, added, norm, multiplier, sinusoids);
  }

  /** Returns this embedding with a factor on what stands for the row alone. */
  public Embedding withMultiplier(double factor) {
    return new Embedding(learnedPositions, ngrams, norm, factor, sinusoids);
  }

  /** Returns this embedding with positions that have no parameters. */
  public Embedding withSinusoids(Sinusoids added) {
    return new Embedding(learnedPositions, ngrams, norm, multiplier, added);
  }

  /** Checks this embedding against the length of a hidden vector. */
  void checkAgainst(int width) {
    if (sinusoids != null) {
      Bounds.atLeast("model.width with embedding.sinusoids", width, 4);
    }
  }

  void parameters(String path, Input input, int width, Consumer<Parameter> into) {
    if (input instanceof Input.Tokens tokens) {
      into.accept(Parameter.matrix(path + ".tokens", tokens.vocabulary(), width));
    } else if (input instanceof Input.Features features) {
      into.accept(Parameter.matrix(path + ".features.weight", width, features.features()));
      into.accept(Parameter.vector(path + ".features.bias", width));
    } else if (input instanceof Input.Records records) {
      if (records.numeric() > 0) {
        into.accept(Parameter.matrix(path + ".features.weight", width, records.numeric()));
      }
      into.accept(Parameter.vector(path + ".features.bias", width));
      for (Input.Field field : records.fields()) {
        if (field instanceof Input.Field.Category category) {
          String table = path + ".fields." + category.name();
          into.accept(Parameter.matrix(table, category.levels(), width));
        }
      }
    }
    if (learnedPositions) {
      into.accept(Parameter.matrix(path + ".positions", input.maxLength(), width));
    }
    if (ngrams != null) {
      for (int order : ngrams.orders()) {
        into.accept(Parameter.matrix(path + ".ngrams." + order, ngrams.buckets(), ngrams.inner()));
      }
      into.accept(Parameter.matrix(path + ".ngrams.projection", width, ngrams.inner()));
    }
    if (norm != null) {
      norm.parameters(path + ".norm", width, into);
    }
  }

  /**
   * Waves of the position: with {@code h = width / 2}, rounded down, element i of the first h is
   * {@code sin((position + offset) * 10000^(-i / (h - 1)))}, element i of the next h its cosine,
   * and one that is left over is 0 (Vaswani et al., in the order of Tensor2Tensor).
   *
   * @param offset from 0 on; M2M-100 and NLLB have 2
   */
  public record Sinusoids(int offset) {
    /** The wave length of the slowest wave, divided by 2 pi. */
    public static final double BASE = 10_000;

    /** Checks the bound. */
    public Sinusoids {
      Bounds.within("embedding.sinusoids.offset", offset, 0, 1 << 20);
    }
  }

  /**
   * Look-up tables addressed by a hash of the last n token ids.
   *
   * <p>For the token at position t and order n the key is {@code x[t] + r*x[t-1] + ... +
   * r^(n-1)*x[t-n+1]} with {@code r} = vocabulary and {@code begin} standing left of position 0;
   * the row is {@code ((key * 0x9E3779B1) mod 2^32) >>> (32 - log2(buckets))}, all in 32-bit
   * arithmetic. The rows of all orders are summed and projected to the model's width.
   *
   * @param orders the n of each table, distinct, each in 2..8
   * @param buckets rows of each table, a power of two in 2..2^24
   * @param inner length of a table's row
   * @param begin the token id that stands left of the first token
   */
  public record Ngrams(List<Integer> orders, int buckets, int inner, int begin) {
    /** The multiplier of the hash: 2^32 divided by the golden ratio (Knuth, TAOCP 3, 6.4). */
    public static final int MULTIPLIER = 0x9E3779B1;

    /** Checks the bounds and sorts the orders. */
    public Ngrams {
      orders = List.copyOf(orders);
      Bounds.atLeast("embedding.ngrams.orders.size", orders.size(), 1);
      for (int order : orders) {
        Bounds.within("embedding.ngrams.orders", order, 2, 8);
      }
      Bounds.require(
          new TreeSet<>(orders).size() == orders.size(),
          "embedding.ngrams.orders " + orders + " names an order twice");
      orders = List.copyOf(new TreeSet<>(orders));
      Bounds.within("embedding.ngrams.buckets", buckets, 2, 1 << 24);
      Bounds.require(
          Integer.bitCount(buckets) == 1,
          "embedding.ngrams.buckets " + buckets + " is not a power of two");
      Bounds.atLeast("embedding.ngrams.inner", inner, 1);
      Bounds.atLeast("embedding.ngrams.begin", begin, 0);
    }
  }
}
