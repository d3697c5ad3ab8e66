package anabranch.typed

import anabranch.dsl.model
import anabranch.dsl.policy
import anabranch.engine.Engine
import anabranch.engine.EngineOptions
import anabranch.error.DescriptionException
import anabranch.error.ExecutionException
import anabranch.flow.ScriptedModel
import anabranch.model.ModelSpec
import anabranch.model.plan.Head.Pool.EACH
import anabranch.model.plan.Head.Pool.MEAN
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.common.ExperimentalKotest
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.floats.shouldBeNaN
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.PropTestConfig
import io.kotest.property.arbitrary.bind
import io.kotest.property.arbitrary.boolean
import io.kotest.property.arbitrary.enum
import io.kotest.property.arbitrary.int
import io.kotest.property.arbitrary.long
import io.kotest.property.arbitrary.numericFloat
import io.kotest.property.checkAll
import kotlin.math.exp
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.toList

enum class Protocol {
  TCP,
  UDP,
}

enum class Kind3 {
  QUIET,
  ODD,
  LOUD,
}

/** Declared in no alphabet's order, and with a property that is no part of the constructor. */
data class FlowRecord(
  val weight: Float,
  val bytes: Long,
  val syn: Boolean,
  val protocol: Protocol,
  val age: Int,
) {
  val heavy
    get() = bytes > 1_000
}

data class Verdict(
  val label: Kind3,
  val probability: Double,
  val depth: Int,
  val exit: String?,
  val flops: Long,
)

private fun spec(features: Int = 6, pool: anabranch.model.plan.Head.Pool = EACH): ModelSpec =
  model("flows", width = 4) {
    features(features, maxLength = 8)
    layers(2) { feedForward(inner = 4) }
    exit("early", after = 1)
    head(outputs = 3, pool = pool)
  }

/** Logits are the first three columns; rows whose last column is above 50 leave early. */
private fun engine(spec: ModelSpec = spec()): Engine {
  val scripted =
    ScriptedModel(
      spec,
      score = { event, row, _ -> if (event.features(row).get(event.width() - 1) > 50) 1f else 0f },
    ) { event, row, _ ->
      FloatArray(3) { event.features(row).get(it) }
    }
  return Engine.open(
    scripted,
    spec.policy("v1") { exit("early", atLeast(1.0)) },
    EngineOptions.defaults(),
  )
}

@OptIn(ExperimentalKotest::class)
class TypedEngineTest :
  FunSpec({
    timeout = 60_000
    val record = FlowRecord(weight = 0.5f, bytes = 2, syn = true, protocol = Protocol.UDP, age = 7)

    test("columnsFollowTheDeclaredOrder") {
      engine().use { engine ->
        val typed = engine.typed<FlowRecord, Verdict>()
        typed.columns() shouldContainExactly
          listOf("weight", "bytes", "syn", "protocol=TCP", "protocol=UDP", "age")
      }
    }

    test("everyRecordBecomesItsRow") {
      engine().use { engine ->
        val typed = engine.typed<FlowRecord, Verdict>()
        val records =
          Arb.bind(
            Arb.numericFloat(),
            Arb.long(),
            Arb.boolean(),
            Arb.enum<Protocol>(),
            Arb.int(),
            ::FlowRecord,
          )
        checkAll(PropTestConfig(seed = 20_260_103, iterations = 200), records) { one ->
          val row = typed.item(one).event().features(0)
          List(6) { row.get(it) } shouldBe
            listOf(
              one.weight,
              one.bytes.toFloat(),
              if (one.syn) 1f else 0f,
              if (one.protocol == Protocol.TCP) 1f else 0f,
              if (one.protocol == Protocol.UDP) 1f else 0f,
              one.age.toFloat(),
            )
        }
      }
    }

    test("aRecordComesBackAsItsVerdict") {
      engine().use { engine ->
        val typed = engine.typed<FlowRecord, Verdict>()
        val verdict = typed.answer(record)
        val inference = engine.infer(typed.item(record))
        verdict.label shouldBe Kind3.ODD
        verdict.probability shouldBe (exp(2.0) / (exp(0.5) + exp(2.0) + exp(1.0)) plusOrMinus 1e-12)
        verdict.depth shouldBe 2
        verdict.exit shouldBe null
        verdict.flops shouldBe inference.flops()
        val early = typed.infer(record.copy(age = 51, weight = 9f))
        early.copy(probability = 0.0, flops = 0) shouldBe Verdict(Kind3.QUIET, 0.0, 1, "early", 0)
      }
    }

    test("everyWordOfAnAnswerIsTheInferences") {
      data class All(
        val model: String,
        val policy: String,
        val item: String,
        val label: Int,
        val probability: Float,
        val probabilities: DoubleArray,
        val logits: List<Float>,
        val depth: Long,
        val exit: String = "end",
        val score: Float,
        val flops: Long,
        val fullFlops: Long,
        val nanos: Long,
      )
      engine().use { engine ->
        val typed = engine.typed<FlowRecord, All>(id = { "age${it.age}" })
        val inference = engine.infer(typed.item(record))
        val all = typed.answers(inference).single()
        all.model shouldBe "flows"
        all.policy shouldBe "v1"
        all.item shouldBe "age7"
        all.label shouldBe 1
        all.probability shouldBe all.probabilities[1].toFloat()
        all.probabilities.sum() shouldBe (1.0 plusOrMinus 1e-12)
        all.logits shouldBe listOf(0.5f, 2f, 1f)
        all.depth shouldBe 2L
        all.exit shouldBe "end"
        all.score.shouldBeNaN()
        all.flops shouldBe inference.flops()
        all.fullFlops shouldBe inference.fullFlops()
        all.nanos shouldBe inference.nanos()
      }
    }

    test("rowsOfOneItemAreAnsweredEachOrAsOne") {
      val rows = listOf(record, record.copy(weight = 3f), record.copy(bytes = -1, syn = true))
      engine().use { engine ->
        engine.typed<FlowRecord, Verdict>().answer(rows).map { it.label } shouldBe
          listOf(Kind3.ODD, Kind3.QUIET, Kind3.LOUD)
      }
      engine(spec(pool = MEAN)).use { engine ->
        engine.typed<FlowRecord, Verdict>().answer(rows).map { it.label } shouldBe listOf(Kind3.ODD)
      }
    }

    test("recordsFlow") {
      engine().use { engine ->
        val typed = engine.typed<FlowRecord, Verdict>()
        val ages = List(500) { it % 100 }
        ages
          .map { record.copy(age = it) }
          .asFlow()
          .answeredBy(typed, inFlight = 16)
          .toList()
          .map { it.exit } shouldBe ages.map { if (it > 50) "early" else null }
      }
    }

    test("aValueThatIsNoFiniteNumberIsNamed") {
      data class Loose(val a: Double?, val b: Double, val c: Double = 0.0)
      engine(spec(features = 3)).use { engine ->
        val typed = engine.typed<Loose, Verdict>()
        fun fails(loose: Loose) = shouldThrow<DescriptionException> { typed.item(loose) }.message
        fails(Loose(null, 1.0)) shouldBe "Loose.a null is not a number, boolean or enum"
        fails(Loose(1.0, Double.NaN)) shouldBe "Loose.b NaN is not a finite fp32 number"
        fails(Loose(1.0, 1.0, Double.NEGATIVE_INFINITY)) shouldBe
          "Loose.c -Infinity is not a finite fp32 number"
        fails(Loose(1e300, 1.0)) shouldBe "Loose.a 1.0E300 is not a finite fp32 number"
        shouldThrow<DescriptionException> { typed.item(emptyList()) }.message shouldBe
          "event.values.length 0 is below 3"
        typed.item(Loose(1.0, 2.0)).event().features(0).get(1) shouldBe 2f
      }
    }

    test("eventsThatDoNotFitTheModelAreRefusedAtCreation") {
      data class Short(val a: Int, val b: Int)
      data class Text(val name: String)
      data class Nested(val a: Short)
      class Plain
      engine().use { engine ->
        shouldThrow<DescriptionException> { engine.typed<Short, Verdict>() }.message shouldBe
          "Short has 2 feature columns [a, b], model \"flows\" takes 6"
        shouldThrow<DescriptionException> { engine.typed<Text, Verdict>() }.message shouldBe
          "Text.name is a String, not a number, boolean or enum"
        shouldThrow<DescriptionException> { engine.typed<Nested, Verdict>() }.message shouldBe
          "Nested.a is a Short, not a number, boolean or enum"
        shouldThrow<DescriptionException> { engine.typed<Plain, Verdict>() }.message shouldBe
          "Plain has no constructor with named properties: use a data class or a record"
      }
      val tokens =
        model("text", width = 4) {
          tokens(vocabulary = 9, maxLength = 8)
          layers(2) { feedForward(inner = 4) }
          exit("early", after = 1)
          head(outputs = 3)
        }
      engine(tokens).use { engine ->
        shouldThrow<DescriptionException> { engine.typed<FlowRecord, Verdict>() }.message shouldBe
          "FlowRecord makes feature rows, model \"text\" takes token ids"
      }
    }

    test("answersThatTheModelCannotGiveAreRefusedAtCreation") {
      data class Unknown(val label: Int, val certainty: Double)
      data class WrongType(val depth: Double)
      data class WrongElement(val logits: List<Int>)
      data class WrongChoice(val label: Protocol)
      data class NoEnd(val exit: String)
      engine().use { engine ->
        shouldThrow<DescriptionException> { engine.typed<FlowRecord, Unknown>() }.message shouldBe
          "Unknown.certainty is none of what an answer has: [label, probability, probabilities, " +
            "logits, depth, exit, score, flops, fullFlops, nanos, item, policy, model]"
        shouldThrow<DescriptionException> { engine.typed<FlowRecord, WrongType>() }.message shouldBe
          "WrongType.depth is a double, not an Int or a Long"
        shouldThrow<DescriptionException> { engine.typed<FlowRecord, WrongElement>() }
          .message shouldBe
          "WrongElement.logits is a List, not a List or an array of Float or Double"
        shouldThrow<DescriptionException> { engine.typed<FlowRecord, WrongChoice>() }
          .message shouldBe "WrongChoice.label has 2 constants, the model 3 outputs"
        shouldThrow<DescriptionException> { engine.typed<FlowRecord, NoEnd>() }.message shouldBe
          "NoEnd.exit must be nullable or have a default, for units that leave at the end of the plan"
      }
    }

    test("anAnswerThatItsClassRefusesNamesTheItem") {
      data class Sure(val probability: Double) {
        init {
          require(probability > 0.99) { "only $probability" }
        }
      }
      engine().use { engine ->
        val failed =
          shouldThrow<ExecutionException> {
            engine.typed<FlowRecord, Sure>(id = { "r${it.age}" }).answer(record)
          }
        failed.item() shouldBe "r7"
        failed.message!!.startsWith("item \"r7\": Sure cannot be made: ") shouldBe true
      }
    }
  })
