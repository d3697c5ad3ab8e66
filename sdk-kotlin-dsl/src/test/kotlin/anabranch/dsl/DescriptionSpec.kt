package anabranch.dsl

import anabranch.model.Attention
import anabranch.model.Exit
import anabranch.model.FeedForward
import anabranch.model.Input
import anabranch.model.Mixture
import anabranch.model.ModelSpec
import io.kotest.common.ExperimentalKotest
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.property.PropTestConfig
import io.kotest.property.checkAll

@OptIn(ExperimentalKotest::class)
class DescriptionSpec :
  FunSpec({
    test("anyDescriptionSaidInTheLanguageEqualsTheConstructedOne") {
      var exits = 0
      var experts = 0
      checkAll(PropTestConfig(seed = 20_260_101, iterations = 1_000), descriptions()) { spec ->
        said(spec) shouldBe spec
        exits += spec.plan.exits().size
        experts += spec.plan.blocks().sumOf { it.sublayers.count { s -> s.operation is Mixture } }
      }
      exits shouldBeGreaterThan 500
      experts shouldBeGreaterThan 500
    }
  })

/** Says a description in the language, reading it part by part. */
private fun said(spec: ModelSpec): ModelSpec =
  model(spec.name, spec.width) {
    when (val input = spec.input) {
      is Input.Tokens -> tokens(input.vocabulary, input.maxLength)
      is Input.Features -> features(input.features, input.maxLength)
    }
    spec.head.let { head(it.outputs, it.pool, it.bias, it.norm) }
    for (exit in spec.plan.exits()) {
      exit(exit.id, after = spec.plan.depthOf(exit.id)) { say(exit) }
    }
    layers(spec.plan.blocks().size) { index ->
      spec.plan.blocks()[index].sublayers.forEach { s ->
        val norms = Norms(s.before, s.after, s.afterSum)
        when (val o = s.operation) {
          is Attention ->
            attention(
              o.heads,
              o.headWidth,
              o.keyValueHeads,
              o.mask,
              o.rotary,
              o.bias,
              norms,
              s.name,
            )
          is FeedForward -> feedForward(o.inner, o.activation, o.gated, o.bias, norms, s.name)
          is Mixture -> say(o, norms, s.name)
        }
      }
    }
    spec.embedding.let { embedding(it.learnedPositions, it.ngrams, it.norm) }
  }

private fun ExitBuilder.say(exit: Exit) {
  criterion(exit.criterion.score, exit.criterion.comparison)
  head(exit.head.outputs, exit.head.pool, exit.head.bias, exit.head.norm)
  bypass(exit.bypass)
}

private fun LayerBuilder.say(mixture: Mixture, norms: Norms, name: String) {
  val expert = mixture.expert
  val steps = mixture.router
  val router =
    router(
      topK(steps.selection.k()),
      logits = steps.logits,
      score = steps.score,
      preference = steps.preference,
      gate = steps.gate,
      capacity = steps.capacity,
      placement = steps.placement,
    )
  experts(
    mixture.experts,
    expert.inner,
    router,
    expert.activation,
    expert.gated,
    expert.bias,
    norms,
    name,
  )
}
