@file:JvmName("Models")

package anabranch.dsl

import anabranch.error.Bounds
import anabranch.error.DescriptionException
import anabranch.model.Encoder
import anabranch.model.ModelSpec
import anabranch.model.layer.Norm
import anabranch.model.plan.DepthChoice
import anabranch.model.plan.Head

/** Keeps the words of an outer block out of the blocks inside it. */
@DslMarker @Target(AnnotationTarget.CLASS) public annotation class ModelDsl

/**
 * Returns the description of a model.
 *
 * What runs, and where units may leave, stands in the order in which it is said; other words may
 * come anywhere. One input ([ModelBuilder.tokens], [ModelBuilder.features] or
 * [ModelBuilder.records]), one [ModelBuilder.head] and at least one layer must be said; without
 * [ModelBuilder.embedding] rows are looked up or projected and nothing is added.
 *
 * @param name names the model in results, reports and errors
 * @param width length of a hidden vector, at least 1
 * @param norms the norms of every sublayer that names none of its own; the one before sublayers
 *   also stands before the projection of every head that names none
 * @throws DescriptionException naming the field, its value and the bound
 */
@JvmSynthetic
public fun model(
  name: String,
  width: Int,
  norms: Norms = preNorm(),
  describe: ModelBuilder.() -> Unit,
): ModelSpec = ModelBuilder(name, width, norms).apply(describe).build()

/** Collects what [model] is told. Confined to its lambda. */
@ModelDsl
public class ModelBuilder internal constructor(private val name: String, width: Int, norms: Norms) :
  RowsWords("model", width, norms) {
  private var encoder: Encoder? = null
  private var head: Head? = null

  init {
    Bounds.atLeast("model.width", width, 1)
  }

  /**
   * Says what reads an event of its own first; layers outside of it may attend to its memory.
   *
   * @param norms of its sublayers; by default the model's
   * @param norm applied to the vectors that become memory; by default the one before sublayers
   */
  public fun encoder(
    norms: Norms = this.norms,
    norm: Norm? = norms.before,
    describe: EncoderBuilder.() -> Unit,
  ) {
    val said = EncoderBuilder(width, norms, norm).apply(describe).build()
    encoder = once("model.encoder", encoder, said)
  }

  /**
   * Adds a place where a row, or a whole item, may leave. By default the score is the confidence,
   * the head has the shape of the model's head (with weights of its own), and a leaver owes keys
   * and values where later layers mix rows and nothing elsewhere.
   *
   * @param id names the exit in policies, parameter names and reports
   * @param after how many layers (or means, or loops) stand before it, in `1..layers-1`; by default
   *   it stands where it is said
   */
  public fun exit(id: String, after: Int? = null, describe: ExitBuilder.() -> Unit = {}) {
    entries += exitEntry(id, after, norms, describe)
  }

  /**
   * Adds a place where the rows with the lowest scores are dropped; which share stays is said by a
   * [policy].
   */
  public fun prune(id: String, describe: PruneBuilder.() -> Unit = {}) {
    entries += pruneEntry(id, describe)
  }

  /**
   * Adds a place where units are told at which of the exits behind it to leave; exits obey that say
   * `chosen()`.
   *
   * @param pool which rows are read; by default each for itself, or the mean where the model's head
   *   answers for items, and the mean of the memory
   * @param from what is read
   * @param bias whether a bias is added
   */
  public fun choice(
    id: String,
    pool: Head.Pool? = null,
    from: DepthChoice.From = DepthChoice.From.ROWS,
    bias: Boolean = false,
  ) {
    entries += choiceEntry(id, pool, from, bias)
  }

  /** Adds another order of the same layers, such as `order("reversed") { run(1); run(0) }`. */
  public fun order(name: String, describe: OrderBuilder.() -> Unit) {
    order(name, OrderBuilder(norms).apply(describe))
  }

  /**
   * Says how the last layer's rows become logits.
   *
   * @param outputs how many logits, at least 1
   * @param pool which rows are read: each on its own, or some for the whole item
   * @param bias whether a bias is added
   * @param norm before the projection; by default the one that stands before sublayers, and none
   *   for a head of all rows
   * @param hidden a layer before the projection, such as `hidden(64)`; none by default
   * @param multiplier a factor on the logits; 1 by default
   * @param body sublayers that run for this head alone; none by default
   */
  public fun head(
    outputs: Int,
    pool: Head.Pool = Head.Pool.EACH,
    bias: Boolean = false,
    norm: Norm? = norms.beforeHead(pool),
    hidden: Head.Hidden? = null,
    multiplier: Double? = null,
    body: (BodyBuilder.() -> Unit)? = null,
  ) {
    val said = headOf(norms, outputs, pool, bias, norm, hidden, multiplier, body)
    head = once("model.head", head, said)
  }

  internal fun build(): ModelSpec {
    val input = input()
    val head = said("model.head", head, "head(...)")
    return ModelSpec(name, width, encoder, input, embedding(), plan(head), head)
  }
}

internal fun <T : Any> once(field: String, before: T?, now: T): T {
  Bounds.require(before == null, "$field is said twice: $before, then $now")
  return now
}

internal fun <T : Any> said(field: String, value: T?, words: String): T =
  value ?: throw DescriptionException("$field is missing: say $words")
