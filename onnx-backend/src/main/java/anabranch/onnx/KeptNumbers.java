package anabranch.onnx;

/**
 * In which numbers sequences keep keys and values; setting {@code "onnx.state"}. What recurrences
 * keep is fp32 always.
 */
public enum KeptNumbers {
  /** As they were computed. */
  FP32("fp32"),
  /**
   * Rounded to 16 bits before anybody reads them, so that images are half as large and lose
   * nothing: a sequence that goes on from one has the bits of one that stayed, and answers do not
   * depend on how it was cut into calls. Against exact numbers they are off by more: see {@link
   * anabranch.backend.Numerics}. A key or value beyond 65504 fails its call.
   */
  FP16("fp16");

  private final String word;

  KeptNumbers(String word) {
    this.word = word;
  }

  /** Returns the value of the setting. */
  @Override
  public String toString() {
    return word;
  }
}
