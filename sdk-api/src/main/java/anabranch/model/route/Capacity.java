package anabranch.model.route;

/** Step 6: how many rows an expert accepts. */
public sealed interface Capacity {
  /** As many as come: no row is ever dropped, and no row depends on its companions. */
  record Unlimited() implements Capacity {}
}
