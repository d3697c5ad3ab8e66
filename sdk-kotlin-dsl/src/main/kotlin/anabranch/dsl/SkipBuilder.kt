package anabranch.dsl

import anabranch.error.DescriptionException
import anabranch.model.layer.Activation
import anabranch.model.layer.Attention
import anabranch.model.layer.Chain
import anabranch.model.layer.Mixture
import anabranch.model.layer.Operation
import anabranch.model.layer.Recurrence
import anabranch.model.position.Rotary
import anabranch.model.route.Router

/**
 * Says what rows may skip, or what is modulated: exactly one operation, or a chain of sublayers.
 * Its words are those of [SublayerWords], without norms and names of their own. Confined to its
 * lambda.
 */
@ModelDsl
public class SkipBuilder
internal constructor(
  private val width: Int,
  private val norms: Norms,
  private val around: String,
) {
  private var operation: Operation? = null

  /** Says attention. */
  public fun attention(
    heads: Int,
    headWidth: Int = shareOf(width, heads),
    keyValueHeads: Int = heads,
    mask: Attention.Mask = Attention.Mask.CAUSAL,
    rotary: Rotary? = null,
    bias: Boolean = false,
    more: (Attention) -> Attention = { it },
  ) {
    say(more(Attention(heads, keyValueHeads, headWidth, mask, rotary, bias)))
  }

  /** Says a feed-forward network. */
  public fun feedForward(
    inner: Int,
    activation: Activation = Activation.GELU,
    gated: Boolean = false,
    bias: Boolean = false,
    limit: Double? = null,
  ) {
    say(network(inner, activation, gated, bias, limit))
  }

  /** Says a mixture. */
  public fun experts(
    count: Int,
    inner: Int,
    router: Router,
    activation: Activation = Activation.GELU,
    gated: Boolean = false,
    bias: Boolean = false,
    constant: Boolean = false,
    shared: Mixture.Shared? = null,
    specials: Mixture.Specials? = null,
    limit: Double? = null,
  ) {
    val expert = network(inner, activation, gated, bias, limit)
    say(Mixture(count, expert, router, constant, shared, specials))
  }

  /** Says a network cut into slices. */
  public fun slices(
    count: Int,
    length: Int,
    router: Router,
    scaling: Mixture.Sliced.Scaling,
    fusion: Mixture.Sliced.Fusion?,
    activation: Activation,
    bias: Boolean = false,
  ) {
    say(Mixture.Sliced(count, length, activation, bias, router, scaling, fusion))
  }

  /** Says a recurrence. */
  public fun recurrence(
    inner: Int,
    states: Int = 16,
    convolution: Int = 4,
    rank: Int = (width + 15) / 16,
  ) {
    say(state(inner, states, convolution, rank))
  }

  /** Says a linear memory. */
  public fun linearMemory(inputs: Int, states: Int, bias: Boolean = false) {
    say(Recurrence.LinearMemory(inputs, states, bias))
  }

  /** Says what is modulated; itself not modulated. */
  public fun modulated(experts: Int, router: Router, describe: SkipBuilder.() -> Unit) {
    val inner = SkipBuilder(width, norms, "modulated").apply(describe).build()
    say(Mixture.Modulated(experts, router, inner))
  }

  /** Says a chain in which most rows run as the mean of a block. */
  public fun merged(
    size: Int,
    fine: Int,
    kept: List<Int>,
    describe: SkippedChainBuilder.() -> Unit,
  ) {
    val chain = Chain(SkippedChainBuilder(width, norms).apply(describe).sublayers)
    say(Chain.Merged(size, fine, kept, chain))
  }

  /** Says sublayers that are seen as one; none of them is a skip. */
  public fun chain(describe: SkippedChainBuilder.() -> Unit) {
    say(Chain(SkippedChainBuilder(width, norms).apply(describe).sublayers))
  }

  private fun say(said: Operation) {
    operation = once("$around.operation", operation, said)
  }

  internal fun build(): Operation =
    operation
      ?: throw DescriptionException("$around.operation is missing: say attention(...) or such")
}
