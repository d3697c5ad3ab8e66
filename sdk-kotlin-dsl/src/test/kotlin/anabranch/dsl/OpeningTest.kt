package anabranch.dsl

import anabranch.backend.Event
import anabranch.backend.LoadOptions
import anabranch.engine.Item
import anabranch.engine.Policy
import anabranch.error.DescriptionException
import anabranch.flow.ScriptedBackend
import anabranch.flow.ScriptedModel
import anabranch.weights.MemoryWeights
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe

class OpeningTest :
  FunSpec({
    val spec =
      model("open", width = 4) {
        tokens(vocabulary = 9, maxLength = 4)
        layers(2) { feedForward(inner = 4) }
        exit("early", after = 1)
        head(outputs = 2)
      }
    val weights = MemoryWeights.of(listOf())
    fun backend() = ScriptedBackend {
      ScriptedModel(it) { event, row, stage ->
        floatArrayOf(event.token(row).toFloat(), stage.toFloat())
      }
    }

    test("anOpenedEngineOwnsItsModel") {
      val backend = backend()
      backend.open(spec, weights).use { engine ->
        engine.policy() shouldBe Policy.fullDepth()
        engine.infer(Item.of("a", Event.ofTokens(7))).logits(0).get(1) shouldBe 1f
        backend.loaded.single().closed shouldBe false
      }
      backend.loaded.single().closed shouldBe true
      backend.options shouldBe listOf(LoadOptions.defaults())
    }

    test("optionsArePassedOn") {
      val backend = backend()
      val loading = LoadOptions.defaults().with("scripted.device", "none")
      val policy = spec.policy("v2") { exit("early", atLeast(0.5)) }
      backend.open(spec, weights, policy, loading = loading).use { it.policy() shouldBe policy }
      backend.options shouldBe listOf(loading)
      backend.load(spec, weights).spec() shouldBe spec
      backend.options.last() shouldBe LoadOptions.defaults()
    }

    test("aPolicyThatDoesNotFitLoadsNothing") {
      val backend = backend()
      shouldThrow<DescriptionException> {
        backend.open(spec, weights, Policy.named("v1").with("late", 0.5))
      }
      backend.loaded.shouldBeEmpty()
    }
  })
