package anabranch.flow

import anabranch.backend.Backend
import anabranch.backend.LoadOptions
import anabranch.backend.LoadedModel
import anabranch.model.ModelSpec
import anabranch.weights.Weights

/** Loads scripted models, without looking at the weights, and remembers them. */
class ScriptedBackend(private val script: (ModelSpec) -> ScriptedModel) : Backend {
  val loaded = mutableListOf<ScriptedModel>()
  val options = mutableListOf<LoadOptions>()

  override fun name() = "scripted"

  override fun check(spec: ModelSpec, options: LoadOptions) = options.refusals(spec)

  override fun load(spec: ModelSpec, weights: Weights, options: LoadOptions): LoadedModel {
    this.options += options
    return script(spec).also(loaded::add)
  }
}
