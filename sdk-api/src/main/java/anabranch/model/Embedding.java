package anabranch.model;

import anabranch.error.Bounds;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How rows become hidden vectors: the sum of a token table (or a projection of the features), of
 * learned positions and of hashed n-grams, then an optional norm.
 *
 * @param learnedPositions whether a table with one vector for each position is added
 * @param ngrams hashed n-gram tables to add; only with token ids
 * @param norm applied to the sum
 */
public record Embedding(boolean learnedPositions, @Nullable Ngrams ngrams, @Nullable Norm norm) {
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
    return new Embedding(learnedPositions, added, norm);
  }

  void parameters(Input input, int width, Consumer<Parameter> into) {
    if (input instanceof Input.Tokens tokens) {
      into.accept(Parameter.matrix("embedding.tokens", tokens.vocabulary(), width));
    } else if (input instanceof Input.Features features) {
      into.accept(Parameter.matrix("embedding.features.weight", width, features.features()));
      into.accept(Parameter.vector("embedding.features.bias", width));
    }
    if (learnedPositions) {
      into.accept(Parameter.matrix("embedding.positions", input.maxLength(), width));
    }
    if (ngrams != null) {
      for (int order : ngrams.orders()) {
        into.accept(
            Parameter.matrix("embedding.ngrams." + order, ngrams.buckets(), ngrams.inner()));
      }
      into.accept(Parameter.matrix("embedding.ngrams.projection", width, ngrams.inner()));
    }
    if (norm != null) {
      norm.parameters("embedding.norm", width, into);
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
