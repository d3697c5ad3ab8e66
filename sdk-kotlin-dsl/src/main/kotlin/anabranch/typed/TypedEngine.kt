package anabranch.typed

import anabranch.engine.Engine
import anabranch.engine.Inference
import anabranch.engine.Item
import anabranch.flow.answer

/**
 * An engine that takes and gives objects of plain classes: Kotlin data classes or Java records.
 *
 * An object of [In] is one row of features: its constructor's properties in declared order. A
 * number, rounded to fp32, or a flag, as 0 or 1, fills one column; an enum fills one column for
 * each constant, with 1 at its own and 0 elsewhere. Where the model takes records, there is one
 * property of the name of each field, in any order; an enum, with as many constants as the field
 * has levels, stands for the number of its constant.
 *
 * An object of [Out] is the answer for one unit. Its properties say what is wanted, in any order:
 * - `label`, the class with the largest logit: an Int, a Long, or an enum with one constant for
 *   each output; `probability` of that class, and `probabilities` and `logits` of all, softmax in
 *   fp64 (lists or arrays of Float or Double)
 * - `depth`, how many blocks the unit ran; `exit`, the id of the exit by which it left, null or
 *   absent at the end of the plan; `score`, with which it left, NaN at the end
 * - `flops` and `fullFlops` of the whole item; `nanos` it took; and the names `item`, `policy` and
 *   `model`
 *
 * Both classes are checked against the model here, not at the first event. Thread-safe; holds
 * nothing to close, and leaves the engine to its owner.
 */
public class TypedEngine<In : Any, Out : Any>
private constructor(
  private val engine: Engine,
  private val row: FeatureRow<In>,
  private val answers: Answers<Out>,
  private val id: (In) -> String,
) {
  /** Returns the name of each feature column in order, such as `bytes` or `protocol=UDP`. */
  public fun columns(): List<String> = row.columns

  /**
   * Returns an item of one row.
   *
   * @throws anabranch.error.DescriptionException naming class, property and value, if a value is
   *   null, or not a finite fp32 number
   */
  public fun item(event: In): Item = item(listOf(event))

  /** Returns an item of one or more rows, named after the first; fails as for one row. */
  public fun item(rows: List<In>): Item {
    val event = row.event(rows)
    return Item.of(id(rows.first()), event)
  }

  /**
   * Returns one object for each unit of an inference of this engine: for each row, or one in all
   * where the model's heads pool.
   *
   * @throws anabranch.error.ExecutionException if the class refuses a value
   */
  public fun answers(inference: Inference): List<Out> = answers.of(inference)

  /** Returns the answer to one object; suspends and fails as [answer] of the engine does. */
  @JvmSynthetic
  public suspend fun answer(event: In): Out = answers(engine.answer(item(event))).single()

  /** Returns the answers to the rows of one item; see [answers]. */
  @JvmSynthetic
  public suspend fun answer(rows: List<In>): List<Out> = answers(engine.answer(item(rows)))

  /** Returns the answer to one object, waiting for it; fails as [Engine.infer] does. */
  public fun infer(event: In): Out = answers(engine.infer(item(event))).single()

  public companion object {
    /**
     * Returns the engine behind two classes.
     *
     * @param id names the item of an object in errors; by default the name of its class
     * @throws anabranch.error.DescriptionException naming class and property, if the model does not
     *   take such rows, or a property is of another type or not part of an answer
     */
    @JvmStatic
    @JvmOverloads
    public fun <In : Any, Out : Any> of(
      engine: Engine,
      events: Class<In>,
      answers: Class<Out>,
      id: (In) -> String = { events.simpleName },
    ): TypedEngine<In, Out> =
      TypedEngine(engine, FeatureRow(events, engine.spec()), Answers(answers, engine.spec()), id)
  }
}
