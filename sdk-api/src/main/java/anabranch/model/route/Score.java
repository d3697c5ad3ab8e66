package anabranch.model.route;

/** Step 2: a function of the logits. */
public enum Score {
  /** Softmax over all experts, with the maximum subtracted. */
  SOFTMAX,
  /** {@code 1 / (1 + exp(-z))} of each logit. */
  SIGMOID,
  /** The logits as they are. */
  IDENTITY,
  /** {@code 1 - z}, cut to 0..1. */
  REST
}
