package anabranch.typed

import anabranch.engine.Engine
import anabranch.engine.EngineOptions
import anabranch.engine.Policy
import anabranch.error.DescriptionException
import anabranch.flow.ScriptedModel
import anabranch.model.Embedding
import anabranch.model.Encoder
import anabranch.model.Input
import anabranch.model.Input.Field.Category
import anabranch.model.Input.Field.Numeric
import anabranch.model.ModelSpec
import anabranch.model.layer.Activation
import anabranch.model.layer.Block
import anabranch.model.layer.Bypass
import anabranch.model.layer.FeedForward
import anabranch.model.layer.Norm
import anabranch.model.layer.Sublayer
import anabranch.model.plan.Criterion
import anabranch.model.plan.Exit
import anabranch.model.plan.Head
import anabranch.model.plan.Loop
import anabranch.model.plan.Part
import anabranch.model.plan.Plan
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe

private enum class Access {
  READ,
  WRITE,
  DROP,
}

private data class Call(val kind: Access, val millis: Double, val cached: Boolean)

private data class Left(val label: Int, val exit: String?)

private val block =
  Block.of(Sublayer.preNorm(Norm.Layer(1e-5), FeedForward.plain(4, Activation.RELU)))

private val head = Head(Head.Pool.EACH, null, 3, false)

/** Steps: 0 exit early; 1 and 2 the loop; 3 exit late; 4 the end. */
private val calls =
  ModelSpec(
    "calls",
    4,
    Input.Records(listOf(Numeric("millis"), Category("kind", 3, 2), Category("cached", 2, 0)), 8),
    Embedding.plain(),
    Plan.builder()
      .add(block)
      .add(Exit("early", head, Criterion.confidence(), Bypass.TERMINATE))
      .add(
        Loop(
          listOf(Part.Run(1)),
          2,
          Loop.Halt("again", Head.Pool.EACH, Criterion.learned(), Bypass.TERMINATE),
        )
      )
      .add(block)
      .add(Exit("late", head, Criterion.confidence(), Bypass.TERMINATE))
      .add(block)
      .build(),
    head,
  )

/** Logits are the columns; rows leave behind the step that their first column names. */
private fun engine(spec: ModelSpec = calls): Engine =
  Engine.open(
    ScriptedModel(spec, score = { event, row, _ -> event.features(row).get(0) }) { event, row, _ ->
      FloatArray(3) { event.features(row).get(it) }
    },
    Policy.named("v1").with("early", 9.0).with("late", 3.0),
    EngineOptions.defaults(),
  )

class RecordRowsTest :
  FunSpec({
    test("propertiesBecomeTheFieldsOfTheirNames") {
      engine().use { engine ->
        val typed = engine.typed<Call, Left>()
        typed.columns() shouldContainExactly listOf("millis", "kind", "cached")
        val row = typed.item(Call(Access.DROP, 0.5, true)).event().features(0)
        List(3) { row.get(it) } shouldBe listOf(0.5f, 2f, 1f)
      }
    }

    test("anExitBehindALoopHasItsName") {
      engine().use { engine ->
        val typed = engine.typed<Call, Left>()
        val left = listOf(9.5, 3.5, 0.5).map { typed.infer(Call(Access.READ, it, false)).exit }
        left shouldBe listOf("early", "late", null)
      }
    }

    test("recordsThatAreNotThoseOfTheModelAreRefused") {
      data class Less(val kind: Access, val millis: Double)
      data class Other(val kind: Access, val millis: Double, val size: Int)
      data class Two(val kind: Access, val millis: Double, val cached: Access)
      data class Odd(val kind: Int, val millis: Access, val cached: Boolean)
      engine().use { engine ->
        shouldThrow<DescriptionException> { engine.typed<Less, Left>() }.message shouldBe
          "Less lacks field \"cached\" of model \"calls\""
        shouldThrow<DescriptionException> { engine.typed<Other, Left>() }.message shouldBe
          "Other.size is not a field of model \"calls\": [millis, kind, cached]"
        shouldThrow<DescriptionException> { engine.typed<Two, Left>() }.message shouldBe
          "Two.cached has 3 constants, its field 2 levels"
        shouldThrow<DescriptionException> { engine.typed<Odd, Left>() }.message shouldBe
          "Odd.millis has 3 constants, its field is a number"
      }
    }

    test("aModelThatReadsTwoEventsIsRefused") {
      val reading =
        calls.withEncoder(Encoder(Input.Tokens(5, 5), Embedding.plain(), Plan.of(block), null))
      engine(reading).use { engine ->
        shouldThrow<DescriptionException> { engine.typed<Call, Left>() }.message shouldBe
          "model \"calls\" reads an event of its encoder too, Call makes one alone"
      }
    }
  })
