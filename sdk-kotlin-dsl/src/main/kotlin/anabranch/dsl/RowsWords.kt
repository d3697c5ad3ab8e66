@file:JvmName("EmbeddingWords")

package anabranch.dsl

import anabranch.model.Embedding
import anabranch.model.Input
import anabranch.model.layer.Norm
import anabranch.model.plan.Head
import anabranch.model.plan.Plan

/** Words for what rows are and how they become hidden vectors, and for a plan. */
@ModelDsl
public sealed class RowsWords(private val field: String, width: Int, norms: Norms) :
  PlanWords(width, norms, mutableListOf()) {
  private var input: Input? = null
  private var embedding: Embedding? = null

  /** Says that rows are token ids in `0..vocabulary-1`, at most [maxLength] in a sequence. */
  public fun tokens(vocabulary: Int, maxLength: Int) {
    say(Input.Tokens(vocabulary, maxLength))
  }

  /** Says that rows are vectors of [count] finite numbers, at most [maxLength] in a sequence. */
  public fun features(count: Int, maxLength: Int) {
    say(Input.Features(count, maxLength))
  }

  /** Says that rows are records of named fields, at most [maxLength] in a sequence. */
  public fun records(maxLength: Int, describe: RecordsBuilder.() -> Unit) {
    say(Input.Records(RecordsBuilder().apply(describe).fields, maxLength))
  }

  /**
   * Says what is added to the token table (or the projection of the features).
   *
   * @param positions whether a learned vector for each position is added
   * @param ngrams hashed n-gram tables to add; only with token ids
   * @param norm applied to the sum; none by default
   * @param multiplier a factor on what stands for the row alone; 1 by default
   * @param sinusoids positions without parameters to add; none by default
   */
  public fun embedding(
    positions: Boolean = false,
    ngrams: Embedding.Ngrams? = null,
    norm: Norm? = null,
    multiplier: Double? = null,
    sinusoids: Embedding.Sinusoids? = null,
  ) {
    val said = Embedding(positions, ngrams, norm, multiplier, sinusoids)
    embedding = once("$field.embedding", embedding, said)
  }

  private fun say(said: Input) {
    input = once("$field.input", input, said)
  }

  internal fun input(): Input =
    said("$field.input", input, "tokens(...), features(...) or records(...)")

  internal fun embedding(): Embedding = embedding ?: Embedding.plain()

  internal fun plan(head: Head?): Plan {
    said("$field.layers", blocks.firstOrNull(), "layers(...) { }")
    return Orders(blocks, head).plan(entries, orders, chosen)
  }
}

/** Collects the fields of a record, in their order. Confined to its lambda. */
@ModelDsl
public class RecordsBuilder internal constructor() {
  internal val fields = mutableListOf<Input.Field>()

  /** Adds a finite number. */
  public fun number(name: String) {
    fields += Input.Field.Numeric(name)
  }

  /** Adds one of [levels] levels; a number that is none of them counts as the level [unknown]. */
  public fun category(name: String, levels: Int, unknown: Int = 0) {
    fields += Input.Field.Category(name, levels, unknown)
  }
}

/** Returns positions without parameters, of which the first is [offset]. */
@JvmSynthetic
public fun sinusoids(offset: Int = 0): Embedding.Sinusoids = Embedding.Sinusoids(offset)

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
