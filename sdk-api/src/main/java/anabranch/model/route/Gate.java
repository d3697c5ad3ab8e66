package anabranch.model.route;

import anabranch.error.Bounds;
import org.jspecify.annotations.Nullable;

/**
 * Step 5: the weight of each selected expert, {@code scale * normalise(of)}.
 *
 * @param of what is weighed
 * @param normalise divides by the sum over the selected; null for none
 * @param scale a factor on the result, above 0
 * @param jitter how far from the selected logit others count as near, above 0; null exactly where
 *     that is no matter
 */
public record Gate(Of of, @Nullable Normalise normalise, double scale, @Nullable Double jitter) {
  /** The number a weight starts from. */
  public enum Of {
    /** The score of step 2. */
    SCORE,
    /** Softmax over the logits of the selected experts alone (gpt-oss). */
    SOFTMAX_OF_SELECTED,
    /** Sigmoid of the selected logit (Llama 4, SwitchHead). */
    SIGMOID_OF_SELECTED,
    /**
     * Softmax, at the selected logit z, over those logits that no better choice took and that are
     * near it: {@code (z - other) / max(|other|, z) > 2 * jitter} holds for none of them (Liu et
     * al., SparseMixer).
     */
    SOFTMAX_OF_NEAR,
    /** 1 for each (Hash Layers). */
    ONE;

    /** Returns whether it depends on what else was selected. */
    public boolean ofOthers() {
      return this == SOFTMAX_OF_SELECTED || this == SOFTMAX_OF_NEAR;
    }
  }

  /**
   * Division by {@code sum + epsilon}.
   *
   * @param epsilon from 0 on; published codes use 0, 1e-9 and 1e-20
   * @param afterDrop whether the sum is over the choices that the capacity left; else over all that
   *     were selected, and what is dropped is lost
   */
  public record Normalise(double epsilon, boolean afterDrop) {
    /** Checks the bound. */
    public Normalise {
      Bounds.notNegative("router.normalise.epsilon", epsilon);
    }

    /** Creates a division before anything is dropped. */
    public Normalise(double epsilon) {
      this(epsilon, false);
    }
  }

  /** Checks the bound. */
  public Gate {
    Bounds.positive("router.scale", scale);
    Bounds.require(
        (of == Of.SOFTMAX_OF_NEAR) == (jitter != null),
        "router.gate " + of + " does not go with jitter " + jitter);
    if (jitter != null) {
      Bounds.positive("router.jitter", jitter);
    }
  }

  /** Creates a gate that needs no jitter. */
  public Gate(Of of, @Nullable Normalise normalise, double scale) {
    this(of, normalise, scale, null);
  }

  /** Returns the softmax over the logits near each selected one. */
  public static Gate softmaxOfNear(double jitter) {
    return new Gate(Of.SOFTMAX_OF_NEAR, null, 1, jitter);
  }

  /** Returns the score as it is. */
  public static Gate score() {
    return new Gate(Of.SCORE, null, 1);
  }

  /** Returns the score divided by the sum over the selected. */
  public static Gate normalisedScore() {
    return new Gate(Of.SCORE, new Normalise(0), 1);
  }
}
