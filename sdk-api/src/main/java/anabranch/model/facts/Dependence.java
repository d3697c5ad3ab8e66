package anabranch.model.facts;

import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.Head;
import anabranch.model.ModelSpec;
import anabranch.model.Sublayer;

/**
 * What a row's result is a function of, from least to most; judged for one event.
 *
 * <p>A model up to {@code SEQUENCE} gives an item the same answer in any batch.
 */
public enum Dependence {
  /** Its own row. */
  TOKEN,
  /** Rows up to its own position. */
  PREFIX,
  /** All rows of its event. */
  SEQUENCE,
  /** Other items in the same batch. */
  BATCH,
  /** Whatever ran before. */
  STREAM;

  /** Returns the dependence of a whole model. */
  public static Dependence of(ModelSpec spec) {
    Dependence most = of(spec.embedding()).or(of(spec.head()));
    for (Block block : spec.plan().blocks()) {
      most = most.or(of(block));
    }
    for (Exit exit : spec.plan().exits()) {
      most = most.or(of(exit.head()));
    }
    return most;
  }

  static Dependence of(Embedding embedding) {
    return embedding.ngrams() == null ? TOKEN : PREFIX;
  }

  static Dependence of(Head head) {
    return head.pool().ofItem() ? SEQUENCE : TOKEN;
  }

  static Dependence of(Block block) {
    Dependence most = TOKEN;
    for (Sublayer sublayer : block.sublayers()) {
      if (sublayer.operation() instanceof Attention attention) {
        most = most.or(attention.mask() == Attention.Mask.CAUSAL ? PREFIX : SEQUENCE);
      }
    }
    return most;
  }

  /** Returns the greater of the two. */
  public Dependence or(Dependence other) {
    return compareTo(other) >= 0 ? this : other;
  }
}
