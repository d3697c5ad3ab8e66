@file:JvmName("RouterWords")

package anabranch.dsl

import anabranch.model.route.Capacity
import anabranch.model.route.Gate
import anabranch.model.route.Logits
import anabranch.model.route.Placement
import anabranch.model.route.Preference
import anabranch.model.route.Router
import anabranch.model.route.Score
import anabranch.model.route.Selection
import anabranch.model.route.Source

/**
 * Returns a router by its steps, where no preset of [anabranch.model.route.Routers] fits; what is
 * not said is as in `Routers.olmoe(k)`: a learned matrix without bias, softmax, ranked by it,
 * weighed by it. Its source is the one that goes with its logits; the key and the position with
 * random ones.
 */
@JvmSynthetic
public fun router(
  selection: Selection,
  logits: Logits = Logits.Linear(false),
  score: Score = Score.SOFTMAX,
  preference: Preference = Preference.byScore(),
  gate: Gate = Gate.score(),
  capacity: Capacity = Capacity.Unlimited(),
  placement: Placement = Placement.OUTPUT,
  source: Source = sourceOf(logits),
): Router = Router(source, logits, score, preference, selection, gate, capacity, placement)

private fun sourceOf(logits: Logits): Source =
  when (logits) {
    is Logits.Linear,
    is Logits.Network,
    is Logits.Accumulated,
    is Logits.Recalled -> Source.HIDDEN
    is Logits.TokenHash -> Source.TOKEN_ID
    is Logits.TokenTable -> Source.TOKEN_ID
    is Logits.Random -> Source.KEY_AND_POSITION
    is Logits.Conditioned -> Source.CONDITION
  }

/** Returns the selection of the [k] best experts, all or those that [secondary] lets stay. */
@JvmSynthetic
public fun topK(k: Int, secondary: Selection.Secondary? = null): Selection =
  Selection.TopK(k, secondary)

/** Returns which choices after the first stay: those above a number, or random ones by a seed. */
@JvmSynthetic
public fun secondary(threshold: Double, seed: Long? = null): Selection.Secondary =
  Selection.Secondary(threshold, seed)

/** Returns the selection of whoever reaches [bound], or exceeds it where [strict]. */
@JvmSynthetic
public fun threshold(bound: Double, strict: Boolean = false): Selection =
  Selection.Threshold(bound, strict)

/** Returns the selection of the first n experts, at least [least]. */
@JvmSynthetic public fun prefix(least: Int = 0): Selection = Selection.Prefix(least)

/** Returns the selection in which each expert picks so many rows. */
@JvmSynthetic
public fun choiceOfExperts(rows: Capacity.Size): Selection = Selection.ExpertChoice(rows)

/**
 * Returns the capacity that drops what an expert has no room for.
 *
 * @param size how many rows an expert accepts, such as `share(1.25)` or `rows(8)`
 * @param population which rows compete; those of one event by default
 * @param priority who comes first; by position by default
 */
@JvmSynthetic
public fun capacity(
  size: Capacity.Size,
  population: Capacity.Population = Capacity.Population.STEP,
  priority: Capacity.Priority = Capacity.Priority.POSITION,
): Capacity = Capacity.Limited(size, population, priority)

/** Returns the same number of rows for every population. */
@JvmSynthetic public fun rows(count: Int): Capacity.Size = Capacity.Size.Fixed(count)

/**
 * Returns a share of a population: `factor * choices * population / experts`, rounded, less a few.
 */
@JvmSynthetic
public fun share(
  factor: Double,
  least: Int = 0,
  rounding: Capacity.Rounding = Capacity.Rounding.FLOOR,
  less: Int? = null,
): Capacity.Size = Capacity.Size.Share(factor, least, rounding, less)
