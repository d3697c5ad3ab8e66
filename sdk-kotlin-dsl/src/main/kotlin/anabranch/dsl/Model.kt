@file:JvmName("Models")

package anabranch.dsl

import anabranch.error.Bounds
import anabranch.error.DescriptionException
import anabranch.model.Block
import anabranch.model.Embedding
import anabranch.model.Exit
import anabranch.model.Head
import anabranch.model.Input
import anabranch.model.ModelSpec
import anabranch.model.Norm
import anabranch.model.Plan

/** Keeps the words of an outer block out of the blocks inside it. */
@DslMarker @Target(AnnotationTarget.CLASS) public annotation class ModelDsl

/**
 * Returns the description of a model.
 *
 * Words may come in any order, save that layers run in the order in which they are said. One input
 * ([ModelBuilder.tokens] or [ModelBuilder.features]), one [ModelBuilder.head] and at least one
 * layer must be said; without [ModelBuilder.embedding] rows are looked up or projected and nothing
 * is added.
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
public class ModelBuilder
internal constructor(
  private val name: String,
  private val width: Int,
  private val norms: Norms,
) {
  private val blocks = mutableListOf<Block>()
  private val exits = mutableListOf<ExitBuilder>()
  private var input: Input? = null
  private var embedding: Embedding? = null
  private var head: Head? = null

  init {
    Bounds.atLeast("model.width", width, 1)
  }

  /** Says that rows are token ids in `0..vocabulary-1`, at most [maxLength] in a sequence. */
  public fun tokens(vocabulary: Int, maxLength: Int) {
    input = once("model.input", input, Input.Tokens(vocabulary, maxLength))
  }

  /** Says that rows are vectors of [count] finite numbers, at most [maxLength] in a sequence. */
  public fun features(count: Int, maxLength: Int) {
    input = once("model.input", input, Input.Features(count, maxLength))
  }

  /**
   * Says what is added to the token table (or the projection of the features).
   *
   * @param positions whether a learned vector for each position is added
   * @param ngrams hashed n-gram tables to add; only with token ids
   * @param norm applied to the sum; none by default
   */
  public fun embedding(
    positions: Boolean = false,
    ngrams: Embedding.Ngrams? = null,
    norm: Norm? = null,
  ) {
    embedding = once("model.embedding", embedding, Embedding(positions, ngrams, norm))
  }

  /** Adds one layer. */
  public fun layer(describe: LayerBuilder.() -> Unit) {
    layers(1) { describe() }
  }

  /**
   * Adds [count] layers. [describe] runs once for each, with the layer's index in the whole plan,
   * from 0, as parameter names count it; so layers may differ.
   */
  public fun layers(count: Int, describe: LayerBuilder.(index: Int) -> Unit) {
    Bounds.atLeast("model.layers", count, 1)
    repeat(count) {
      blocks += LayerBuilder(width, norms).also { layer -> layer.describe(blocks.size) }.build()
    }
  }

  /**
   * Adds a place where a row, or a whole item, may leave. By default the score is the confidence,
   * the head has the shape of the model's head (with weights of its own), and a leaver owes keys
   * and values where later layers mix rows and nothing elsewhere.
   *
   * @param id names the exit in policies, parameter names and reports
   * @param after how many layers stand before it, in `1..layers-1`
   */
  public fun exit(id: String, after: Int, describe: ExitBuilder.() -> Unit = {}) {
    exits += ExitBuilder(id, after, norms).apply(describe)
  }

  /**
   * Says how the last layer's rows become logits.
   *
   * @param outputs how many logits, at least 1
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
    head = once("model.head", head, Head(pool, norm, outputs, bias))
  }

  internal fun build(): ModelSpec {
    val input = said("model.input", input, "tokens(...) or features(...)")
    val head = said("model.head", head, "head(...)")
    said("model.layers", blocks.firstOrNull(), "layers(...) { }")
    return ModelSpec(name, width, input, embedding ?: Embedding.plain(), plan(head), head)
  }

  private fun plan(head: Head): Plan {
    for (exit in exits) {
      Bounds.within("exit \"${exit.id}\" after", exit.after, 1, blocks.size - 1)
    }
    return Plan(
      blocks.flatMapIndexed { index, block ->
        val depth = index + 1
        val mixesLater = blocks.drop(depth).any(Block::mixes)
        val leaving: List<Exit> =
          exits.filter { it.after == depth }.map { it.build(head, mixesLater) }
        listOf<Plan.Part>(block) + leaving
      }
    )
  }
}

internal fun <T : Any> once(field: String, before: T?, now: T): T {
  Bounds.require(before == null, "$field is said twice: $before, then $now")
  return now
}

private fun <T : Any> said(field: String, value: T?, words: String): T =
  value ?: throw DescriptionException("$field is missing: say $words")
