@file:JvmName("Opening")

package anabranch.dsl

import anabranch.backend.Backend
import anabranch.backend.LoadOptions
import anabranch.backend.LoadedModel
import anabranch.engine.Engine
import anabranch.engine.EngineOptions
import anabranch.engine.Policy
import anabranch.model.ModelSpec
import anabranch.weights.Weights

/** Returns the model loaded with the default options; see [Backend.load]. */
public fun Backend.load(spec: ModelSpec, weights: Weights): LoadedModel =
  load(spec, weights, LoadOptions.defaults())

/**
 * Loads a model and returns an engine that owns it.
 *
 * @param policy for items without one of their own; by default every unit runs to full depth. One
 *   that does not fit the model is refused before anything is loaded
 * @throws anabranch.error.AnabranchException as [Backend.load] and [Engine.open] do
 */
@JvmOverloads
public fun Backend.open(
  spec: ModelSpec,
  weights: Weights,
  policy: Policy = Policy.fullDepth(),
  options: EngineOptions = EngineOptions.defaults(),
  loading: LoadOptions = LoadOptions.defaults(),
): Engine {
  policy.checkAgainst(spec)
  return Engine.open(load(spec, weights, loading), policy, options)
}
