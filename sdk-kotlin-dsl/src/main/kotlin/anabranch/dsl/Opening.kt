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
 * Loads a model and returns an engine that owns it; nothing stays loaded if the engine cannot be
 * opened.
 *
 * @param policy for items without one of their own; by default every unit runs to full depth
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
  val model = load(spec, weights, loading)
  return try {
    Engine.open(model, policy, options)
  } catch (refused: Throwable) {
    model.close()
    throw refused
  }
}
