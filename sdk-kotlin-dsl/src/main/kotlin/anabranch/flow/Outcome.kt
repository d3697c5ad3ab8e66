package anabranch.flow

import anabranch.engine.Inference
import anabranch.engine.Item
import anabranch.error.AnabranchException

/** What became of one item of a flow. Immutable. */
public sealed interface Outcome {
  /** The item as it was sent. */
  public val item: Item

  /** The item was answered. */
  public data class Answered(override val item: Item, val inference: Inference) : Outcome

  /** The item, and it alone, could not be answered. */
  public data class Failed(override val item: Item, val cause: AnabranchException) : Outcome
}
