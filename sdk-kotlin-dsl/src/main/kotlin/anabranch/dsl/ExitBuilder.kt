package anabranch.dsl

import anabranch.model.Exit
import anabranch.model.Head
import anabranch.model.Norm

/**
 * Collects what one exit is told. Confined to its lambda.
 *
 * The threshold is no part of it: that belongs to a [policy].
 */
@ModelDsl
public class ExitBuilder
internal constructor(
  internal val id: String,
  internal val after: Int,
  private val norms: Norms,
) {
  private var criterion: Exit.Criterion? = null
  private var head: Head? = null
  private var bypass: Exit.Bypass? = null

  /** Leaves when the largest probability is at least the threshold; this is the default. */
  public fun confidence() {
    criterion(Exit.Criterion.confidence())
  }

  /** Leaves when the largest probability less the second is at least the threshold. */
  public fun margin() {
    criterion(Exit.Criterion.margin())
  }

  /** Leaves when the entropy of the probabilities, in nats, is below the threshold. */
  public fun entropy() {
    criterion(Exit.Criterion.entropy())
  }

  /** Leaves by another pair of score and comparison. */
  public fun criterion(score: Exit.Criterion.Score, comparison: Exit.Criterion.Comparison) {
    criterion(Exit.Criterion(score, comparison))
  }

  /**
   * Says how the answer here is made, where it is not shaped like the model's head.
   *
   * @param outputs how many logits; as many as the model's head has
   * @param pool which rows are read: each on its own, or some for the whole item
   * @param bias whether a bias is added
   * @param norm before the projection; by default the one that stands before sublayers
   */
  public fun head(
    outputs: Int,
    pool: Head.Pool = Head.Pool.EACH,
    bias: Boolean = false,
    norm: Norm? = norms.before,
  ) {
    head = once("exit \"$id\" head", head, Head(pool, norm, outputs, bias))
  }

  /** Says what a leaver still owes the layers it jumps over. */
  public fun bypass(mode: Exit.Bypass) {
    bypass = once("exit \"$id\" bypass", bypass, mode)
  }

  private fun criterion(said: Exit.Criterion) {
    criterion = once("exit \"$id\" criterion", criterion, said)
  }

  internal fun build(final: Head, mixesLater: Boolean): Exit {
    val own = head ?: final
    val owes = mixesLater && !own.pool.ofItem()
    val usual = if (owes) Exit.Bypass.FREEZE_PROJECT else Exit.Bypass.TERMINATE
    return Exit(id, own, criterion ?: Exit.Criterion.confidence(), bypass ?: usual)
  }
}
