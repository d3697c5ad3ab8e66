@file:JvmName("LayerWords")

package anabranch.dsl

import anabranch.error.Bounds
import anabranch.model.layer.Activation
import anabranch.model.layer.Attention
import anabranch.model.layer.Block
import anabranch.model.layer.Bypass
import anabranch.model.layer.Chain
import anabranch.model.layer.FeedForward
import anabranch.model.layer.Mixture
import anabranch.model.layer.Operation
import anabranch.model.layer.Recurrence
import anabranch.model.layer.Skip
import anabranch.model.layer.Sublayer
import anabranch.model.position.Rotary
import anabranch.model.route.Router

/**
 * Words that add sublayers, in the order in which they run.
 *
 * A sublayer is named after its operation (`attention`, `feedForward`, `mixture`, `recurrence`,
 * `linearMemory`, `modulated`, `sliced`, `merged`, `skip`, `chain`); two of one kind need names. No
 * projection has a bias unless told so.
 */
@ModelDsl
public sealed class SublayerWords(internal val width: Int, internal val norms: Norms) {
  internal val sublayers: MutableList<Sublayer> = mutableListOf()

  /**
   * Adds attention, causal by default.
   *
   * @param heads query heads, at least 1
   * @param headWidth length of one head's vectors; by default the heads share the model's width
   * @param keyValueHeads key and value heads, a divisor of [heads]; by default as many as heads
   * @param mask which rows a row may read; `MEMORY` for those of an encoder
   * @param rotary rotation by position; none by default
   * @param bias whether all projections add one; no by default
   * @param more what else it has, such as `{ it.withWindow(128) }`
   */
  public fun attention(
    heads: Int,
    headWidth: Int = shareOf(width, heads),
    keyValueHeads: Int = heads,
    mask: Attention.Mask = Attention.Mask.CAUSAL,
    rotary: Rotary? = null,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
    more: (Attention) -> Attention = { it },
  ) {
    add(more(Attention(heads, keyValueHeads, headWidth, mask, rotary, bias)), norms, name)
  }

  /**
   * Adds one feed-forward network that every row sees.
   *
   * @param inner length between the projections, at least 1
   * @param activation GELU by default
   * @param gated whether a second projection multiplies; no by default
   * @param limit clamps what a gated network multiplies; none by default
   */
  public fun feedForward(
    inner: Int,
    activation: Activation = Activation.GELU,
    gated: Boolean = false,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
    limit: Double? = null,
  ) {
    add(network(inner, activation, gated, bias, limit), norms, name)
  }

  /**
   * Adds a mixture: [count] feed-forward networks of one shape, of which a router picks a few for
   * each row.
   *
   * @param inner length between the projections of one expert, at least 1
   * @param router a preset of [anabranch.model.route.Routers], such as `mixtral(2)`, or [router]
   * @param activation GELU by default
   * @param gated whether a second projection multiplies; no by default
   * @param constant whether a learned vector is added for every row; no by default
   * @param shared a network that every row sees, such as `shared(64)`; none by default
   * @param specials members that are no networks, behind the experts; none by default
   * @param limit clamps what a gated expert multiplies; none by default
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
    constant: Boolean = false,
    shared: Mixture.Shared? = null,
    specials: Mixture.Specials? = null,
    limit: Double? = null,
  ) {
    val expert = network(inner, activation, gated, bias, limit)
    add(Mixture(count, expert, router, constant, shared, specials), norms, name)
  }

  /**
   * Adds a network whose inner vector is cut into slices, of which a router picks some for each
   * row.
   *
   * @param count how many slices there are, at least 1
   * @param length of each, at least 1
   * @param router a preset of [anabranch.model.route.Routers], such as `mohd(6, 2)`, or [router]
   * @param scaling what makes up for slices that are not picked
   * @param fusion how slices are mixed; null for not at all
   * @param activation the non-linearity behind
   */
  public fun slices(
    count: Int,
    length: Int,
    router: Router,
    scaling: Mixture.Sliced.Scaling,
    fusion: Mixture.Sliced.Fusion?,
    activation: Activation,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
  ) {
    val sliced = Mixture.Sliced(count, length, activation, bias, router, scaling, fusion)
    add(sliced, norms, name)
  }

  /**
   * Adds a selective state space.
   *
   * @param inner channels, at least 1
   * @param states numbers that each channel keeps
   * @param convolution rows that the convolution reads
   * @param rank length of the vector that makes the steps; by default a sixteenth of the width
   */
  public fun recurrence(
    inner: Int,
    states: Int = 16,
    convolution: Int = 4,
    rank: Int = (width + 15) / 16,
    norms: Norms = this.norms,
    name: String? = null,
  ) {
    add(state(inner, states, convolution, rank), norms, name)
  }

  /**
   * Adds a linear memory whose matrices are the same at every row.
   *
   * @param inputs length of what it takes of a row, at least 1
   * @param states numbers that it keeps, at least 1
   * @param bias whether both projections add one; no by default
   */
  public fun linearMemory(
    inputs: Int,
    states: Int,
    bias: Boolean = false,
    norms: Norms = this.norms,
    name: String? = null,
  ) {
    add(Recurrence.LinearMemory(inputs, states, bias), norms, name)
  }

  /**
   * Adds an operation, or a chain, whose input is multiplied by what a router picks for each row.
   *
   * @param experts how many matrices there are to pick from, at least 1
   * @param router a preset of [anabranch.model.route.Routers], such as `switchDit(...)`, or
   *   [router]
   * @param norms around all of it; by default none where it is a chain, whose sublayers have their
   *   own
   */
  public fun modulated(
    experts: Int,
    router: Router,
    norms: Norms? = null,
    name: String? = null,
    describe: SkipBuilder.() -> Unit,
  ) {
    val operation = SkipBuilder(width, this.norms, "modulated").apply(describe).build()
    val usual = if (operation is Chain) Norms() else this.norms
    add(Mixture.Modulated(experts, router, operation), norms ?: usual, name)
  }

  /**
   * Adds a chain in which most rows run as the mean of a block.
   *
   * @param size how many rows make a block, at least 1
   * @param fine how many blocks run row by row: those that the rows at [kept] attend to most
   * @param kept positions of rows that are in no block; at least one
   * @param norms around all of it; none by default, for the sublayers have their own
   */
  public fun merged(
    size: Int,
    fine: Int,
    kept: List<Int>,
    norms: Norms = Norms(),
    name: String? = null,
    describe: SkippedChainBuilder.() -> Unit,
  ) {
    val chain = Chain(SkippedChainBuilder(width, this.norms).apply(describe).sublayers)
    add(Chain.Merged(size, fine, kept, chain), norms, name)
  }

  internal fun add(operation: Operation, norms: Norms, name: String?) {
    sublayers += norms.around(operation, name)
  }
}

/** Collects the sublayers of a chain, or of a chain that rows may skip. Confined to its lambda. */
@ModelDsl
public class SkippedChainBuilder internal constructor(width: Int, norms: Norms) :
  SublayerWords(width, norms)

/** Words that add sublayers which rows may skip. */
@ModelDsl
public sealed class SkipWords(width: Int, norms: Norms) : SublayerWords(width, norms) {
  /**
   * Adds what a router lets some rows pass: one operation, or a chain.
   *
   * @param router a preset of [anabranch.model.route.Routers], such as `mindSkip(0.5)`, or [router]
   * @param keys what a row that does not run shows to others; nothing by default
   * @param norms around the router and the operation; by default none where it is a chain, whose
   *   sublayers have their own
   */
  public fun skip(
    router: Router,
    keys: Bypass = Bypass.MASK,
    norms: Norms? = null,
    name: String? = null,
    describe: SkipBuilder.() -> Unit,
  ) {
    val operation = SkipBuilder(width, this.norms, "skip").apply(describe).build()
    val usual = if (operation is Chain) Norms() else this.norms
    add(Skip(router, operation, keys), norms ?: usual, name)
  }
}

/** Collects the sublayers of a chain. Confined to its lambda. */
@ModelDsl
public class ChainBuilder internal constructor(width: Int, norms: Norms) : SkipWords(width, norms)

/** Collects the sublayers of one layer. Confined to its lambda. */
@ModelDsl
public class LayerBuilder internal constructor(width: Int, norms: Norms) : SkipWords(width, norms) {
  /** Adds sublayers that are seen as one: what they add to their input is added to it once. */
  public fun chain(
    norms: Norms = Norms(),
    name: String? = null,
    describe: ChainBuilder.() -> Unit,
  ) {
    add(Chain(ChainBuilder(width, this.norms).apply(describe).sublayers), norms, name)
  }

  internal fun build(): Block = Block(sublayers)
}

internal fun network(
  inner: Int,
  activation: Activation,
  gated: Boolean,
  bias: Boolean,
  limit: Double?,
) = FeedForward(inner, activation, gated, bias, limit)

internal fun state(inner: Int, states: Int, convolution: Int, rank: Int) =
  Recurrence(inner, states, convolution, rank)

internal fun Norms.around(operation: Operation, name: String?): Sublayer =
  Sublayer(name ?: Sublayer.nameOf(operation), before, operation, after, afterSum, multiplier)

internal fun shareOf(width: Int, heads: Int): Int {
  Bounds.atLeast("attention.heads", heads, 1)
  Bounds.require(
    width % heads == 0,
    "attention.heads $heads does not divide model.width $width: say headWidth",
  )
  return width / heads
}

/**
 * Returns the network that every row of a mixture sees.
 *
 * @param inner length between the projections, at least 1
 * @param weighed whether its result is multiplied by a learned sigmoid; no by default
 */
@JvmSynthetic
public fun shared(
  inner: Int,
  activation: Activation = Activation.GELU,
  gated: Boolean = false,
  bias: Boolean = false,
  weighed: Boolean = false,
  limit: Double? = null,
): Mixture.Shared = Mixture.Shared(network(inner, activation, gated, bias, limit), weighed)

/** Returns members that are no networks: zeros, then what is read, then learned constants. */
@JvmSynthetic
public fun specials(zeros: Int = 0, identities: Int = 0, constants: Int = 0): Mixture.Specials =
  Mixture.Specials(zeros, identities, constants)

/** Returns rotary positions with the usual base 10 000, or another above 1. */
@JvmSynthetic public fun rotary(base: Double = 10_000.0): Rotary = Rotary(base)
