package anabranch.model;

import anabranch.error.Bounds;

/**
 * A place in the plan where a row, or a whole item, may leave for good with the answer of its own
 * head. The threshold is no part of the description: it belongs to the policy that the engine runs.
 *
 * @param id names the exit in policies, parameter names and reports; unique in its plan
 * @param head what answers here; its pool says whether rows or items leave
 * @param criterion the score and the comparison that fires
 * @param bypass what a leaver still owes the blocks it jumps over
 */
public record Exit(String id, Head head, Criterion criterion, Bypass bypass) implements Plan.Part {
  /** What a unit that left still does for the blocks behind its exit. */
  public enum Bypass {
    /** Nothing: it is gone. For items, and for rows where no later block mixes. */
    TERMINATE,
    /**
     * Its hidden vector stays as it was and every later mixing block projects keys and values from
     * it (Elbayad et al., Depth-Adaptive Transformer; Schuster et al., CALM).
     */
    FREEZE_PROJECT
  }

  /** Checks the id. */
  public Exit {
    Bounds.name("exit.id", id);
  }

  /**
   * What is scored and how the score is compared with a threshold; NaN never fires.
   *
   * @param score the function of the head's logits
   * @param comparison the relation of score to threshold that fires
   */
  public record Criterion(Score score, Comparison comparison) {
    /** A function of one unit's logits; softmax in at least fp32 with the maximum subtracted. */
    public enum Score {
      /** The largest probability. */
      CONFIDENCE,
      /** The largest probability less the second largest. */
      MARGIN,
      /** The entropy of the probabilities, in nats. */
      ENTROPY
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
}
