package anabranch.flow

import anabranch.backend.Event
import anabranch.dsl.model
import anabranch.dsl.ngrams
import anabranch.dsl.open
import anabranch.dsl.policy
import anabranch.engine.Backends
import anabranch.engine.EngineOptions
import anabranch.engine.Inference
import anabranch.engine.Item
import anabranch.model.layer.Activation.RELU_SQUARED
import anabranch.model.route.Routers.switchTop1
import anabranch.weights.MemoryWeights
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainAll
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import java.time.Duration
import kotlin.random.Random
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList

private val small =
  model("small", width = 16) {
    tokens(vocabulary = 257, maxLength = 40)
    embedding(positions = true, ngrams(2, 3, buckets = 64, inner = 8, begin = 256))
    layers(3) {
      attention(heads = 2)
      experts(4, inner = 8, router = switchTop1(), activation = RELU_SQUARED)
    }
    exit("early", after = 1) { confidence() }
    head(outputs = 256, bias = true)
  }

private val texts =
  listOf("An anabranch leaves the main stream", "and rejoins it", "downstream.", "x", "stream")

private fun item(text: String): Item =
  Item.of(text, Event.ofTokens(*text.encodeToByteArray().map(Byte::toInt).toIntArray()))

class ReferenceFlowTest :
  FunSpec({
    timeout = 60_000

    test("aDescribedModelAnswersAFlowOfTextAndItsRowsLeaveByScore") {
      val random = Random(7)
      val weights =
        MemoryWeights.of(
          small.parameters().map { parameter ->
            val values = FloatArray(parameter.elements().toInt()) { random.nextFloat() * 2 - 1 }
            MemoryWeights.tensor(parameter.name, parameter.shape, *values)
          }
        )
      val everywhere = small.policy("everywhere") { exit("early", atLeast(0.0)) }
      val options = EngineOptions.defaults().withBatchRows(64).withLinger(Duration.ofMillis(2))
      Backends.named("reference").open(small, weights, everywhere, options).use { engine ->
        val early = texts.map { engine.answer(item(it)) }
        val scores = early.flatMap { one -> List(one.units(), one::score) }
        val median = scores.sorted()[scores.size / 2].toDouble()
        engine.policy(small.policy("median") { exit("early", atLeast(median)) })

        val answers = texts.asFlow().map(::item).answeredBy(engine, inFlight = 3).toList()

        answers.map(Inference::item) shouldBe texts
        answers.flatMap { one -> List(one.units(), one::exit) } shouldBe
          scores.map { if (it >= median) 0 else 1 }
        answers.zip(early).forEach { (answer, left) ->
          for (unit in 0 until answer.units()) {
            if (answer.exit(unit) == 0) {
              answer.logits(unit) shouldBe left.logits(unit)
              answer.depth(unit) shouldBe 1
            } else {
              answer.logits(unit) shouldNotBe left.logits(unit)
              answer.depth(unit) shouldBe 3
            }
          }
        }
        answers.flatMap { one -> List(one.units(), one::depth) } shouldContainAll listOf(1, 3)
      }
    }
  })
