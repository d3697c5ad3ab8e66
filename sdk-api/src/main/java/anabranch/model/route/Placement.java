package anabranch.model.route;

/** Step 7: where the weight multiplies. */
public enum Placement {
  /** The expert's result: {@code w * E(x)}. */
  OUTPUT,
  /** The expert's input: {@code E(w * x)} (Llama 4). */
  INPUT
}
