@file:JvmName("HeadWords")

package anabranch.dsl

import anabranch.model.layer.Activation
import anabranch.model.layer.Block
import anabranch.model.layer.Norm
import anabranch.model.layer.Recurrence
import anabranch.model.layer.Sublayer
import anabranch.model.plan.Head

/**
 * Collects the sublayers that run for one head alone, on a copy of the rows. Confined to its
 * lambda.
 */
@ModelDsl
public class BodyBuilder internal constructor(private val norms: Norms) {
  private val sublayers = mutableListOf<Sublayer>()

  /** Adds a feed-forward network; see [SublayerWords.feedForward]. */
  public fun feedForward(
    inner: Int,
    activation: Activation = Activation.GELU,
    gated: Boolean = false,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
    limit: Double? = null,
  ) {
    sublayers += norms.around(network(inner, activation, gated, bias, limit), name)
  }

  /** Adds a recurrence; see [SublayerWords.recurrence]. */
  public fun recurrence(
    inner: Int,
    states: Int = 16,
    convolution: Int = 4,
    rank: Int = 1,
    norms: Norms = this.norms,
    name: String? = null,
  ) {
    sublayers += norms.around(state(inner, states, convolution, rank), name)
  }

  /** Adds a linear memory; see [SublayerWords.linearMemory]. */
  public fun linearMemory(
    inputs: Int,
    states: Int,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
  ) {
    sublayers += norms.around(Recurrence.LinearMemory(inputs, states, bias), name)
  }

  internal fun build(): Block = Block(sublayers)
}

/** Returns a layer between a head's norm and its projection: `activation(W x + b)`. */
@JvmSynthetic
public fun hidden(inner: Int, activation: Activation = Activation.TANH): Head.Hidden =
  Head.Hidden(inner, activation)

/** A head of all rows has no norm; others have the one that stands before sublayers. */
internal fun Norms.beforeHead(pool: Head.Pool): Norm? =
  if (pool == Head.Pool.FLATTEN) null else before

internal fun headOf(
  norms: Norms,
  outputs: Int,
  pool: Head.Pool,
  bias: Boolean,
  norm: Norm?,
  hidden: Head.Hidden?,
  multiplier: Double?,
  body: (BodyBuilder.() -> Unit)?,
): Head {
  val own = body?.let { BodyBuilder(norms).apply(it).build() }
  return Head(pool, own, norm, hidden, outputs, bias, multiplier)
}
