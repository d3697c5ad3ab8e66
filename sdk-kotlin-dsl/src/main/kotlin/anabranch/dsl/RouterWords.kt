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
 * weighed by it. Its source is the one that goes with its logits.
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
): Router {
  val source =
    when (logits) {
      is Logits.Linear -> Source.HIDDEN
      is Logits.TokenHash -> Source.TOKEN_ID
    }
  return Router(source, logits, score, preference, selection, gate, capacity, placement)
}

/** Returns the selection of the [k] best experts. */
@JvmSynthetic public fun topK(k: Int): Selection = Selection.TopK(k)
