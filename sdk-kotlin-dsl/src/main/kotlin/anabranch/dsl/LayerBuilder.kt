@file:JvmName("LayerWords")

package anabranch.dsl

import anabranch.error.Bounds
import anabranch.model.Activation
import anabranch.model.Attention
import anabranch.model.Block
import anabranch.model.Embedding
import anabranch.model.FeedForward
import anabranch.model.Mixture
import anabranch.model.Operation
import anabranch.model.Sublayer
import anabranch.model.route.Router

/**
 * Collects the sublayers of one layer, in the order in which they run. Confined to its lambda.
 *
 * A sublayer is named after its operation (`attention`, `feedForward`, `mixture`); two of one kind
 * in a layer need names. No projection has a bias unless told so.
 */
@ModelDsl
public class LayerBuilder internal constructor(private val width: Int, private val norms: Norms) {
  private val sublayers = mutableListOf<Sublayer>()

  /**
   * Adds attention, causal by default.
   *
   * @param heads query heads, at least 1
   * @param headWidth length of one head's vectors; by default the heads share the model's width
   * @param keyValueHeads key and value heads, a divisor of [heads]; by default as many as heads
   * @param mask which rows a row may read
   * @param rotary rotation by position; none by default
   */
  public fun attention(
    heads: Int,
    headWidth: Int = shareOf(heads),
    keyValueHeads: Int = heads,
    mask: Attention.Mask = Attention.Mask.CAUSAL,
    rotary: Attention.Rotary? = null,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
  ) {
    add(Attention(heads, keyValueHeads, headWidth, mask, rotary, bias), norms, name)
  }

  /**
   * Adds one feed-forward network that every row sees.
   *
   * @param inner length between the projections, at least 1
   * @param activation GELU by default
   * @param gated whether a second projection multiplies; no by default
   */
  public fun feedForward(
    inner: Int,
    activation: Activation = Activation.GELU,
    gated: Boolean = false,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
  ) {
    add(FeedForward(inner, activation, gated, bias), norms, name)
  }

  /**
   * Adds a mixture: [count] feed-forward networks of one shape, of which a router picks a few for
   * each row.
   *
   * @param inner length between the projections of one expert, at least 1
   * @param router a preset of [anabranch.model.route.Routers], such as `mixtral(2)`, or [router]
   * @param activation GELU by default
   * @param gated whether a second projection multiplies; no by default
   */
  public fun experts(
    count: Int,
    inner: Int,
    router: Router,
    activation: Activation = Activation.GELU,
    gated: Boolean = false,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
  ) {
    add(Mixture(count, FeedForward(inner, activation, gated, bias), router), norms, name)
  }

  private fun add(operation: Operation, norms: Norms, name: String?) {
    val known = name ?: Sublayer.nameOf(operation)
    sublayers += Sublayer(known, norms.before, operation, norms.after, norms.afterSum)
  }

  private fun shareOf(heads: Int): Int {
    Bounds.atLeast("attention.heads", heads, 1)
    Bounds.require(
      width % heads == 0,
      "attention.heads $heads does not divide model.width $width: say headWidth",
    )
    return width / heads
  }

  internal fun build(): Block = Block(sublayers)
}

/** Returns rotary positions with the usual base 10 000, or another above 1. */
@JvmSynthetic public fun rotary(base: Double = 10_000.0): Attention.Rotary = Attention.Rotary(base)

/**
 * Returns look-up tables addressed by a hash of the last n token ids.
 *
 * @param orders the n of each table, distinct, each in 2..8
 * @param buckets rows of each table, a power of two
 * @param inner length of a table's row
 * @param begin the token id that stands left of the first token
 */
@JvmSynthetic
public fun ngrams(vararg orders: Int, buckets: Int, inner: Int, begin: Int): Embedding.Ngrams =
  Embedding.Ngrams(orders.asList(), buckets, inner, begin)
