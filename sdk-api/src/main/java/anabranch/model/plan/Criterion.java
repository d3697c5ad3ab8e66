package anabranch.model.plan;

/**
 * What is scored and how the score is compared with a threshold; NaN never fires.
 *
 * @param score the number of one unit
 * @param comparison the relation of score to threshold that fires
 */
public record Criterion(Score score, Comparison comparison) {
  /** The number of one unit; softmax in at least fp32 with the maximum subtracted. */
  public enum Score {
    /** The largest probability of the unit's logits. */
    CONFIDENCE,
    /** The largest probability less the second largest. */
    MARGIN,
    /** The entropy of the probabilities, in nats. */
    ENTROPY,
    /**
     * How many times in a row the label was that of the exit before, from 0 at the first (Zhou et
     * al., PABEE). The engine counts; a backend returns labels.
     */
    PATIENCE,
    /** {@code sigmoid(w . h + b)} with weights of its own, of the vector that leaves here. */
    LEARNED,
    /**
     * The cosine between the unit's hidden vector here and at the decision point before (Schuster
     * et al., CALM); 0 where one of them is zero, NaN at the first point of a plan.
     */
    SATURATION,
    /** 1 where the {@link DepthChoice} before named this exit, else 0. */
    CHOSEN,
    /**
     * The attention a row received in the last attention before, averaged over heads and over the
     * rows that asked (Goyal et al., PoWER-BERT).
     */
    ATTENTION_RECEIVED,
    /**
     * How important a row is in the graph that the last attention before draws between the rows of
     * its event; see {@link GraphRank}.
     */
    GRAPH_RANK,
    /**
     * 2 and its importance for the more important half of an event's rows; for another row less the
     * largest cosine between it and one of that half (Wang et al., Zero-TPrune).
     */
    REDUNDANCY;

    /** Returns whether the score is a function of logits alone. */
    public boolean ofLogits() {
      return this == CONFIDENCE || this == MARGIN || this == ENTROPY;
    }

    /** Returns whether the score looks at an attention; rows are dropped by it, no unit leaves. */
    public boolean ofAttention() {
      return this == ATTENTION_RECEIVED || ofGraph();
    }

    /** Returns whether the score ranks rows as a {@link GraphRank} says. */
    public boolean ofGraph() {
      return this == GRAPH_RANK || this == REDUNDANCY;
    }
  }

  /** How a score is compared with a threshold. */
  public enum Comparison {
    /** Fires when the score is at least the threshold. */
    GE,
    /** Fires when the score is above the threshold. */
    GT,
    /** Fires when the score is at most the threshold. */
    LE,
    /** Fires when the score is below the threshold. */
    LT
  }

  /** Returns the criterion that fires when the largest probability is at least the threshold. */
  public static Criterion confidence() {
    return new Criterion(Score.CONFIDENCE, Comparison.GE);
  }

  /** Returns the criterion that fires when the margin is at least the threshold. */
  public static Criterion margin() {
    return new Criterion(Score.MARGIN, Comparison.GE);
  }

  /** Returns the criterion that fires when the entropy is below the threshold. */
  public static Criterion entropy() {
    return new Criterion(Score.ENTROPY, Comparison.LT);
  }

  /** Returns the criterion that fires after that many equal labels in a row. */
  public static Criterion patience() {
    return new Criterion(Score.PATIENCE, Comparison.GE);
  }

  /** Returns the criterion that fires when the learned score is above the threshold. */
  public static Criterion learned() {
    return new Criterion(Score.LEARNED, Comparison.GT);
  }

  /** Returns the criterion that fires when the hidden vector hardly turned any more. */
  public static Criterion saturation() {
    return new Criterion(Score.SATURATION, Comparison.GE);
  }

  /** Returns the criterion that fires where a choice of depth said so. */
  public static Criterion chosen() {
    return new Criterion(Score.CHOSEN, Comparison.GE);
  }

  /** Returns whether {@code score} fires against {@code threshold}; never for NaN. */
  public boolean fires(double score, double threshold) {
    return switch (comparison) {
      case GE -> score >= threshold;
      case GT -> score > threshold;
      case LE -> score <= threshold;
      case LT -> score < threshold;
    };
  }
}
