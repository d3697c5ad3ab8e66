package anabranch.dsl

import anabranch.error.DescriptionException
import anabranch.model.layer.Activation.RELU
import anabranch.model.layer.Attention.Mask.FULL
import anabranch.model.layer.Attention.Mask.MEMORY
import anabranch.model.layer.Bypass.DEFER_RECOMPUTE
import anabranch.model.layer.Bypass.FREEZE_PROJECT
import anabranch.model.layer.Bypass.MASK
import anabranch.model.plan.DepthChoice
import anabranch.model.plan.GraphRank
import anabranch.model.plan.GraphRank.Direction.TO_READ
import anabranch.model.plan.GraphRank.Direction.TO_READERS
import anabranch.model.plan.Head.Pool.EACH
import anabranch.model.plan.Head.Pool.FIRST
import anabranch.model.plan.Head.Pool.FLATTEN
import anabranch.model.plan.Prune
import anabranch.model.plan.Prune.Compared.KEYS
import anabranch.model.route.Capacity.Population.ITEM
import anabranch.model.route.Capacity.Priority.RANK_THEN_POSITION
import anabranch.model.route.Capacity.Rounding.CEIL
import anabranch.model.route.Capacity.Size
import anabranch.model.route.Routers.adaptiveComputation
import anabranch.model.route.Routers.expertChoice
import anabranch.model.route.Routers.gptOss
import anabranch.model.route.Routers.hash
import anabranch.model.route.Routers.hashTable
import anabranch.model.route.Routers.mindSkip
import anabranch.model.route.Routers.mixtureOfDepthsCausal
import anabranch.model.route.Routers.olmoe
import anabranch.model.route.Routers.stMoe
import anabranch.model.route.Routers.switchDit
import anabranch.model.route.Routers.switchTop1
import anabranch.model.route.Routers.thor
import anabranch.model.route.Routers.thorOfSequence
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe

/** The same descriptions in both languages. */
class LanguageTest :
  FunSpec({
    test("rowsThatReadAMemoryLeaveAndLoop") {
      model("rows", width = 8) {
        encoder {
          records(maxLength = 6) {
            number("size")
            category("proto", levels = 5, unknown = 4)
          }
          choice("deep", bias = true)
          layer { attention(heads = 2, mask = FULL) }
          exit("read") { chosen() }
          layer { attention(heads = 2, mask = FULL) }
          order("short") { run(1) }
        }
        tokens(vocabulary = 9, maxLength = 20)
        layer {
          skip(mixtureOfDepthsCausal(), keys = FREEZE_PROJECT) {
            chain {
              attention(heads = 2)
              feedForward(inner = 4)
            }
          }
          attention(heads = 2, mask = MEMORY)
        }
        choice("told", from = DepthChoice.From.MEMORY)
        layer {
          skip(mindSkip(0.5)) { recurrence(inner = 3) }
          experts(3, inner = 4, router = adaptiveComputation(true), constant = true)
        }
        exit("obeys") {
          chosen()
          bypass(DEFER_RECOMPUTE)
        }
        layer { attention(heads = 2) }
        loop(3) {
          run(2)
          until("out")
        }
        exit("still") {
          saturation()
          bypass(MASK)
          head(outputs = 3, norm = null, hidden = hidden(7)) {
            recurrence(inner = 3, states = 2, convolution = 1)
          }
        }
        mean(1, 0)
        exit("same") { patience() }
        layer { attention(heads = 2) }
        head(outputs = 3, bias = true)
      } shouldBe SaidInJava.rows()
    }

    test("itemsThatArePrunedInTwoOrders") {
      model("items", width = 8) {
        features(count = 3, maxLength = 6)
        head(outputs = 2, pool = FIRST)
        layer { attention(heads = 2, mask = FULL) }
        prune("received") { attentionReceived() }
        mean { layers(2) { feedForward(inner = 4) } }
        exit("early") { learned() }
        loop(5) {
          layer { attention(heads = 2, mask = FULL) }
          until("still") { saturation() }
        }
        prune("learned") { keep(0, 3) }
        loop(2) { run(0) }
        run(0)
        stored { attention(heads = 2, mask = FULL) }
        order("reversed") {
          same("still")
          run(2)
          same("early")
          loop(2) { run(1) }
          mean(1, 2)
          exit("late")
          run(4)
        }
        choose("reversed")
      } shouldBe SaidInJava.items()
    }

    test("rowsThatAreNotImportantAndRowsThatAreNotDistinct") {
      val said =
        model("graph", width = 8) {
          features(count = 3, maxLength = 6)
          head(outputs = 2, pool = FIRST)
          layer { attention(heads = 2, mask = FULL) }
          prune("important") {
            graphRank(
              TO_READ,
              iterations = 30,
              epsilon = 1e-4,
              leastVariance = 0.01,
              mostVariance = 0.7,
            )
          }
          layer { attention(heads = 2, mask = FULL) }
          prune("distinct") {
            redundancy(
              KEYS,
              TO_READERS,
              iterations = 1,
              epsilon = 0.0,
              leastVariance = 0.0,
              mostVariance = 1.0,
            )
            keep(0, 2)
          }
          layer { attention(heads = 2, mask = FULL) }
        }
      said.plan.all(Prune::class.java) shouldBe
        listOf(
          Prune.graphRank("important", listOf(0), GraphRank(TO_READ, 30, 1e-4, 0.01, 0.7)),
          Prune.redundancy(
            "distinct",
            listOf(0, 2),
            GraphRank(TO_READERS, 1, 0.0, 0.0, 1.0),
            KEYS,
          ),
        )
    }

    test("routersByTheirNames") {
      val size = share(1.25, least = 4, CEIL)
      val capacity = capacity(size, ITEM, RANK_THEN_POSITION)
      val routers =
        listOf(
          switchTop1(capacity),
          stMoe(secondary(0.2, seed = 7), capacity),
          expertChoice(rows(2)),
          hashTable(9),
          hash(3),
          thor(4),
          thorOfSequence(5),
          gptOss(2),
          olmoe(2),
        )
      model("routers", width = 8) {
        tokens(vocabulary = 9, maxLength = 20)
        layers(routers.size) { index -> experts(4, inner = 4, router = routers[index]) }
        head(outputs = 2, pool = FLATTEN, hidden = hidden(5, RELU))
      } shouldBe SaidInJava.routers()
    }

    test("stepsHaveWordsToo") {
      router(topK(2)) shouldBe olmoe(2)
      router(threshold(0.5)).selection.most(7) shouldBe 7
      router(prefix(1)).logitsFor(7) shouldBe 8
      router(choiceOfExperts(Size.Fixed(3))) shouldBe expertChoice(rows(3))
    }

    test("anExitMayStandByNumberOrWhereItIsSaid") {
      fun spec(describe: ModelBuilder.() -> Unit) =
        model("exits", width = 8) {
          tokens(vocabulary = 9, maxLength = 20)
          head(outputs = 2)
          describe()
        }
      val said = spec {
        loop(3) { layer { feedForward(inner = 4) } }
        exit("a")
        mean { layers(2) { feedForward(inner = 4) } }
        exit("b")
        layer { feedForward(inner = 4) }
      }
      said shouldBe
        spec {
          exit("b", after = 2)
          exit("a", after = 1)
          loop(3) { layer { feedForward(inner = 4) } }
          mean { layers(2) { feedForward(inner = 4) } }
          layer { feedForward(inner = 4) }
        }
      said.plan.depthOf("b") shouldBe 5
      said.head.pool shouldBe EACH
    }

    test("errorsOfTheLanguageNameFieldValueAndBound") {
      fun fails(describe: ModelBuilder.() -> Unit) =
        shouldThrow<DescriptionException> {
            model("wrong", width = 8) {
              tokens(vocabulary = 9, maxLength = 4)
              head(outputs = 2)
              layer { feedForward(inner = 4) }
              describe()
            }
          }
          .message
      fails { layer { skip(mindSkip(0.5)) {} } } shouldBe
        "skip.operation is missing: say attention(...) or such"
      fails { layer { modulated(3, switchDit(8, 2, true)) {} } } shouldBe
        "modulated.operation is missing: say attention(...) or such"
      fails {
        layer {
          skip(mindSkip(0.5)) {
            recurrence(inner = 3)
            feedForward(inner = 4)
          }
        }
      } shouldBe
        "skip.operation is said twice: Recurrence[inner=3, states=16, convolution=4, rank=1], " +
          "then FeedForward[inner=4, activation=GELU, gated=false, bias=false, limit=null]"
      fails { order("other") { same("early") } } shouldBe
        "order \"other\" part \"early\" is not one of []"
      fails { choose("other") } shouldBe "plan.chosen \"other\" is not one of []"
      fails { run(7) } shouldBe "plan.parts block 7 is not in 0..0"
      fails { loop(0) { run(0) } } shouldBe "loop.times 0 is not in 1..1024"
      fails { loop(2) {} } shouldBe "loop.body.size 0 is below 1"
      fails { mean() } shouldBe "mean.blocks.size 0 is below 1"
      fails { encoder { layer { feedForward(inner = 4) } } } shouldBe
        "encoder.input is missing: say tokens(...), features(...) or records(...)"
      fails { encoder { features(count = 1, maxLength = 1) } } shouldBe
        "encoder.layers is missing: say layers(...) { }"
      fails {
        layer { feedForward(inner = 4) }
        prune("p") {
          learned()
          attentionReceived()
        }
      } shouldBe "prune \"p\" score is said twice: LEARNED, then ATTENTION_RECEIVED"
    }
  })
