package anabranch.model.route;

import anabranch.error.Bounds;
import org.jspecify.annotations.Nullable;

/**
 * Step 5: the weight of each selected expert, {@code scale * normalise(of)}.
 *
 * @param of what is weighed
 * @param normalise divides by the sum over the selected; null for none
 * @param scale a factor on the result, above 0
 */
public record Gate(Of of, @Nullable Normalise normalise, double scale) {
  /** The number a weight starts from. */
  public enum Of {
    /** The score of step 2. */
    SCORE,
    /** Softmax over the logits of the selected experts alone (gpt-oss). */
    SOFTMAX_OF_SELECTED,
    /** Sigmoid of the selected logit (Llama 4, SwitchHead). */
    SIGMOID_OF_SELECTED,
    /** 1 for each (Hash Layers). */
    ONE
  }

  /**
   * Division by {@code sum + epsilon}.
   *
   * @param epsilon from 0 on; published codes use 0, 1e-9 and 1e-20
   */
  public record Normalise(double epsilon) {
    /** Checks the bound. */
    public Normalise {
      Bounds.notNegative("router.normalise.epsilon", epsilon);
    }
  }

  /** Checks the bound. */
  public Gate {
    Bounds.positive("router.scale", scale);
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
