package anabranch.model.facts;

import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Operation;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Router;

/**
 * What a row's result is a function of, from least to most; judged for one event.
 *
 * <p>A model up to {@code SEQUENCE} gives an item the same answer in any batch.
 */
public enum Dependence {
  /** Its own row, the memory of its sequence, and the key of its item. */
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
    Dependence most = of(spec.embedding()).or(of(spec.head())).or(of(spec.plan()));
    Encoder encoder = spec.encoder();
    return encoder == null ? most : most.or(of(encoder.embedding())).or(of(encoder.plan()));
  }

  private static Dependence of(Plan plan) {
    Dependence most = plan.all(Prune.class).isEmpty() ? TOKEN : SEQUENCE;
    for (Block block : plan.blocks()) {
      for (Operation operation : block.operations()) {
        most = most.or(of(operation));
      }
    }
    for (DepthChoice choice : plan.all(DepthChoice.class)) {
      boolean pooled = choice.from() == DepthChoice.From.ROWS && choice.pool().ofItem();
      most = pooled ? most.or(SEQUENCE) : most;
    }
    for (Exit exit : plan.exits()) {
      most = exit.head() == null ? most : most.or(of(exit.head()));
    }
    return most;
  }

  private static Dependence of(Embedding embedding) {
    return embedding.ngrams() == null ? TOKEN : PREFIX;
  }

  private static Dependence of(Head head) {
    Dependence body = TOKEN;
    if (head.body() != null) {
      for (Operation operation : head.body().operations()) {
        body = body.or(of(operation));
      }
    }
    return head.pool().ofItem() ? SEQUENCE : body;
  }

  private static Dependence of(Operation operation) {
    Dependence most = operation.remembers() > 0 ? PREFIX : TOKEN;
    if (operation instanceof Attention attention) {
      most =
          switch (attention.mask()) {
            case CAUSAL -> PREFIX;
            case FULL -> SEQUENCE;
            case MEMORY -> TOKEN;
          };
    }
    Router router = operation.router();
    if (router == null) {
      return most;
    }
    return router.readsTheBatch() ? BATCH : router.needsWholeEvent() ? most.or(SEQUENCE) : most;
  }

  /** Returns the greater of the two. */
  public Dependence or(Dependence other) {
    return compareTo(other) >= 0 ? this : other;
  }
}
