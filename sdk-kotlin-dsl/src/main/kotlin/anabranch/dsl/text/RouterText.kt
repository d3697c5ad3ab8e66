package anabranch.dsl.text

import anabranch.dsl.router
import anabranch.model.route.Gate
import anabranch.model.route.Logits
import anabranch.model.route.Placement
import anabranch.model.route.Preference
import anabranch.model.route.Router
import anabranch.model.route.Routers
import anabranch.model.route.Score
import anabranch.model.route.Selection

/** Returns a router by the name of a preset where one says it, else by its steps. */
internal fun routerOf(router: Router): Said =
  presets(router).firstOrNull { it.second == router }?.first ?: steps(router)

private fun presets(router: Router): Sequence<Pair<Said, Router>> = sequence {
  fun named(preset: Router, name: String, vararg arguments: Any?) =
    Words(name).each(*arguments).said() to preset
  val scale = router.gate.scale
  val groups = router.preference.groups
  when (val selection = router.selection) {
    is Selection.TopK -> {
      val k = selection.k
      yield(named(Routers.mixtral(k), "mixtral", k))
      yield(named(Routers.olmoe(k), "olmoe", k))
      yield(named(Routers.gptOss(k), "gptOss", k))
      yield(named(Routers.granite(k), "granite", k))
      yield(named(Routers.llama4(k), "llama4", k))
      yield(named(Routers.switchHead(k), "switchHead", k))
      yield(named(Routers.glm4Moe(k, scale), "glm4Moe", k, scale))
      yield(named(Routers.longcat(k, scale), "longcat", k, scale))
      yield(named(Routers.ernie45(k), "ernie45", k))
      yield(named(Routers.switchTop1(router.capacity), "switchTop1", router.capacity))
      router.preference.always?.let { always ->
        if (k >= always) yield(named(Routers.mohd(always, k - always), "mohd", always, k - always))
      }
      if (groups != null) {
        val v3 = Routers.deepseekV3(k, groups, scale)
        yield(named(v3, "deepseekV3", k, groups, scale))
        val v2 = Routers.deepseekV2(k, groups.count, groups.keep, scale)
        yield(named(v2, "deepseekV2", k, groups.count, groups.keep, scale))
      }
      when (val logits = router.logits) {
        is Logits.TokenHash -> yield(named(Routers.hash(logits.seed), "hash", logits.seed))
        is Logits.TokenTable ->
          yield(named(Routers.hashTable(logits.size), "hashTable", logits.size))
        is Logits.Random -> {
          yield(named(Routers.thor(logits.seed), "thor", logits.seed))
          yield(named(Routers.thorOfSequence(logits.seed), "thorOfSequence", logits.seed))
        }
        is Logits.Conditioned -> {
          val (numbers, bias) = logits.numbers to logits.bias
          yield(named(Routers.switchDit(numbers, k, bias), "switchDit", numbers, k, bias))
        }
        else -> Unit
      }
    }
    is Selection.Threshold -> {
      val bound = selection.bound
      yield(named(Routers.mixtureOfDepthsCausal(), "mixtureOfDepthsCausal"))
      yield(named(Routers.mindSkip(bound), "mindSkip", bound))
      yield(named(Routers.utteranceGate(bound), "utteranceGate", bound))
    }
    is Selection.ExpertChoice -> {
      val rows = selection.rows
      yield(named(Routers.expertChoice(rows), "expertChoice", rows))
      yield(named(Routers.mixtureOfDepths(rows), "mixtureOfDepths", rows))
    }
    is Selection.Prefix ->
      for (bias in listOf(false, true)) {
        yield(named(Routers.adaptiveComputation(bias), "adaptiveComputation", bias))
      }
  }
}

private fun steps(router: Router): Said {
  val usual = router(router.selection, router.logits)
  return Words("router")
    .each(router.selection)
    .unless(Logits.Linear(false), "logits", router.logits)
    .unless(Score.SOFTMAX, "score", router.score)
    .unless(Preference.byScore(), "preference", router.preference)
    .unless(Gate.score(), "gate", router.gate)
    .unless(usual.capacity, "capacity", router.capacity)
    .unless(Placement.OUTPUT, "placement", router.placement)
    .unless(usual.source, "source", router.source)
    .said()
}
