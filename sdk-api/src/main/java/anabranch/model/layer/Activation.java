package anabranch.model.layer;

/** The non-linearity of a feed-forward network, applied to each number. */
public enum Activation {
  /** {@code max(x, 0)}. */
  RELU,
  /** {@code max(x, 0)^2} (So et al., Primer). */
  RELU_SQUARED,
  /** {@code x * Phi(x)} with the exact normal distribution function. */
  GELU,
  /** {@code x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2}, which is nearly GELU. */
  GELU_TANH,
  /** {@code x * sigmoid(1.702 * x)} (Hendrycks and Gimpel, GELU). */
  QUICK_GELU,
  /** {@code x * sigmoid(x)}. */
  SILU,
  /** The hyperbolic tangent. */
  TANH
}
