package anabranch.model;

/** The non-linearity of a feed-forward network, applied to each number. */
public enum Activation {
  /** {@code max(x, 0)}. */
  RELU,
  /** {@code max(x, 0)^2} (So et al., Primer). */
  RELU_SQUARED,
  /** {@code x * Phi(x)} with the exact normal distribution function. */
  GELU,
  /** {@code x * sigmoid(x)}. */
  SILU
}
