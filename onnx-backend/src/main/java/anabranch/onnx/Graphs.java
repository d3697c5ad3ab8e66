package anabranch.onnx;

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
}
