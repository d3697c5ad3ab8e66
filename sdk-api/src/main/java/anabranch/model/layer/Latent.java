package anabranch.model.layer;

import anabranch.error.Bounds;
import anabranch.model.position.Rotary;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values made from one short vector of each row, which is all that a sequence needs to
 * keep of it (DeepSeek-V2, Multi-head Latent Attention).
 *
 * <p>{@code (c, r) = down(x)} of lengths {@code rank} and {@code turned}; with {@code c <-
 * norm(c)}, each head has {@code (content, value) = up(c)}, its key is {@code (content, r)}, and r
 * is the same for all heads. Queries are projected from {@code norm(down(x))} of their own, or from
 * x. Rotary positions turn r and the last {@code turned} elements of queries, nothing else.
 *
 * @param queryRank length of the vector that queries are projected from; null for none
 * @param rank length of c, at least 1
 * @param turned how many elements of a head's query and key, the last ones, are not content; from 0
 *     on, below {@code headWidth}
 * @param valueWidth length of one head's values, at least 1
 * @param norm of c and of the vector that queries are projected from; null for none
 */
public record Latent(
    @Nullable Integer queryRank, int rank, int turned, int valueWidth, @Nullable Norm norm) {
  /** Checks the bounds. */
  public Latent {
    if (queryRank != null) {
      Bounds.within("attention.latent.queryRank", queryRank, 1, 1 << 20);
    }
    Bounds.within("attention.latent.rank", rank, 1, 1 << 20);
    Bounds.within("attention.latent.turned", turned, 0, 1 << 20);
    Bounds.within("attention.latent.valueWidth", valueWidth, 1, 1 << 20);
  }

  /** Returns how many numbers a sequence needs to keep of a row. */
  public int kept() {
    return rank + turned;
  }

  void checkAgainst(int heads, int headWidth, @Nullable Rotary rotary) {
    Bounds.within("attention.latent.turned", turned, 0, headWidth - 1);
    Bounds.require(
        (long) heads * valueWidth <= Attention.MOST_WIDTH,
        "attention.heads "
            + heads
            + " times latent.valueWidth "
            + valueWidth
            + " is above "
            + Attention.MOST_WIDTH);
    if (rotary != null) {
      Bounds.require(
          rotary.part() == null,
          "attention.rotary.part " + rotary.part() + " is said by latent.turned " + turned);
      Bounds.require(
          turned >= 2 && turned % 2 == 0,
          "attention.latent.turned " + turned + " has no pairs for rotary positions");
    }
  }

  void parameters(Attention attention, String path, int width, Consumer<Parameter> into) {
    int queries = attention.queryWidth();
    if (queryRank == null) {
      into.accept(Parameter.matrix(path + ".q.weight", queries, width));
    } else {
      into.accept(Parameter.matrix(path + ".q.down.weight", queryRank, width));
      if (norm != null) {
        norm.parameters(path + ".q.norm", queryRank, into);
      }
      into.accept(Parameter.matrix(path + ".q.up.weight", queries, queryRank));
    }
    into.accept(Parameter.matrix(path + ".kv.down.weight", kept(), width));
    if (norm != null) {
      norm.parameters(path + ".kv.norm", rank, into);
    }
    int each = attention.headWidth() - turned + valueWidth;
    into.accept(Parameter.matrix(path + ".kv.up.weight", attention.heads() * each, rank));
  }
}
