package anabranch.dsl

import anabranch.model.Encoder
import anabranch.model.layer.Norm
import anabranch.model.plan.DepthChoice
import anabranch.model.plan.Head

/**
 * Collects what reads an event of its own, once, and leaves its rows as memory. Its width is the
 * model's. Confined to its lambda.
 */
@ModelDsl
public class EncoderBuilder
internal constructor(width: Int, norms: Norms, private val norm: Norm?) :
  RowsWords("encoder", width, norms) {
  /**
   * Adds a place where the item may leave as memory.
   *
   * @param id names the exit in policies, parameter names and reports
   * @param after how many layers stand before it; by default it stands where it is said
   */
  public fun exit(id: String, after: Int? = null, describe: EncoderExitBuilder.() -> Unit = {}) {
    entries += encoderExitEntry(id, after, describe)
  }

  /** Adds a place where the item is told at which of the exits behind it to leave. */
  public fun choice(id: String, pool: Head.Pool = Head.Pool.MEAN, bias: Boolean = false) {
    entries += choiceEntry(id, pool, DepthChoice.From.ROWS, bias)
  }

  /** Adds another order of the same layers. */
  public fun order(name: String, describe: EncoderOrderBuilder.() -> Unit) {
    order(name, EncoderOrderBuilder().apply(describe))
  }

  internal fun build(): Encoder = Encoder(input(), embedding(), plan(null), norm)
}
