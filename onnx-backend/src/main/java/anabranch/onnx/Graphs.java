package anabranch.onnx;

import anabranch.error.DescriptionException;
import java.util.Arrays;
import java.util.Locale;

/** How much of a model becomes one graph. Descriptions, policies and traces are the same. */
public enum Graphs {
  /** What {@link GraphChoice} says of the device: what was measured there. The default. */
  MEASURED,

  /** Projections, routers and experts are graphs of their own. */
  SMALL,

  /**
   * What lies between two attentions is one graph: the output projection of one, norms, routing,
   * fused experts, and queries, keys and values of the next. Where a decision is left to the host,
   * or no fused operator computes the experts, a graph ends, and the model's notes name the
   * mixture; {@link Experts} have no say. A row's bits then depend on its batch. Made for GPUs, on
   * which nobody has measured it.
   */
  LARGE;

  /** Returns the value of the setting. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Reads what {@link #toString} writes. */
  static Graphs parse(String text) {
    for (Graphs each : values()) {
      if (each.toString().equals(text)) {
        return each;
      }
    }
    throw new DescriptionException(
        OnnxOptions.GRAPHS + " \"" + text + "\" is not one of " + Arrays.toString(values()));
  }
}
