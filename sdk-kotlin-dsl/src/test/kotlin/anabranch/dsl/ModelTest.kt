package anabranch.dsl

import anabranch.error.DescriptionException
import anabranch.model.Embedding
import anabranch.model.Input
import anabranch.model.ModelSpec
import anabranch.model.facts.Cut
import anabranch.model.facts.Requirements
import anabranch.model.layer.Activation.GELU
import anabranch.model.layer.Activation.RELU_SQUARED
import anabranch.model.layer.Activation.SILU
import anabranch.model.layer.Attention
import anabranch.model.layer.Attention.Bias.QUERY_KEY_VALUE
import anabranch.model.layer.Attention.Mask.FULL
import anabranch.model.layer.Block
import anabranch.model.layer.Bypass
import anabranch.model.layer.Chain
import anabranch.model.layer.FeedForward
import anabranch.model.layer.Mixture
import anabranch.model.layer.Norm
import anabranch.model.layer.Parameter
import anabranch.model.layer.Skip
import anabranch.model.layer.Sublayer
import anabranch.model.plan.Criterion
import anabranch.model.plan.Exit
import anabranch.model.plan.Head
import anabranch.model.plan.Head.Pool.EACH
import anabranch.model.plan.Head.Pool.FIRST
import anabranch.model.plan.Plan
import anabranch.model.route.Routers
import anabranch.model.route.Routers.mindSkip
import anabranch.model.route.Routers.mixtral
import anabranch.model.route.Routers.switchDit
import anabranch.model.route.Routers.switchTop1
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe

/** A byte model with hashed n-grams, Switch experts and two exits. */
val bytes =
  model("bytes", width = 128) {
    tokens(vocabulary = 257, maxLength = 128)
    embedding(positions = true, ngrams(2, 3, 4, buckets = 8_192, inner = 64, begin = 256))
    layers(6) {
      attention(heads = 4)
      experts(8, inner = 256, router = switchTop1(), activation = RELU_SQUARED)
    }
    exit("early", after = 2) { confidence() }
    exit("middle", after = 4) { confidence() }
    head(outputs = 256, bias = true)
  }

class ModelTest :
  FunSpec({
    test("theByteModelEqualsItsConstructors") {
      val norm = Norm.Layer(1e-5)
      val block =
        Block.of(
          Sublayer.preNorm(norm, Attention.causal(4, 32)),
          Sublayer.preNorm(
            norm,
            Mixture(8, FeedForward.plain(256, RELU_SQUARED), Routers.switchTop1()),
          ),
        )
      val head = Head(EACH, norm, 256, true)
      val exits =
        listOf("early", "middle").map {
          Exit(it, head, Criterion.confidence(), Bypass.FREEZE_PROJECT)
        }
      bytes shouldBe
        ModelSpec(
          "bytes",
          128,
          Input.Tokens(257, 128),
          Embedding.withPositions().withNgrams(Embedding.Ngrams(listOf(2, 3, 4), 8_192, 64, 256)),
          Plan.builder()
            .add(block)
            .add(block)
            .add(exits[0])
            .add(block)
            .add(block)
            .add(exits[1])
            .add(block)
            .add(block)
            .build(),
          head,
        )
    }

    test("theByteModelHasItsPublishedSize") {
      bytes.parameters().sumOf(Parameter::elements) shouldBe 5_278_336L
      Cut.of(bytes).stages.size shouldBe 3
    }

    test("layersMayDifferAndCountThroughThePlan") {
      val seen = mutableListOf<Int>()
      val spec =
        model("mixed", width = 8) {
          features(count = 3, maxLength = 1)
          layer { feedForward(inner = 4) }
          layers(2) { index ->
            seen += index
            if (index == 1) attention(heads = 2, mask = FULL)
            feedForward(inner = 16, activation = SILU, gated = true)
          }
          head(outputs = 2)
        }
      seen shouldBe listOf(1, 2)
      spec.plan.blocks.map { it.sublayers.map(Sublayer::operation) } shouldBe
        listOf(
          listOf(FeedForward.plain(4, GELU)),
          listOf(Attention.full(2, 4), FeedForward.gated(16, SILU)),
          listOf(FeedForward.gated(16, SILU)),
        )
    }

    test("normsOfTheModelHoldUnlessOneIsNamed") {
      val rms = rmsNorm(1e-6)
      val spec =
        model("norms", width = 8, norms = postNorm(rms)) {
          tokens(vocabulary = 9, maxLength = 4)
          layer {
            feedForward(inner = 4)
            attention(heads = 2, norms = preNorm())
          }
          head(outputs = 2)
        }
      val (first, second) = spec.plan.blocks.single().sublayers
      first shouldBe Sublayer.postNorm(FeedForward.plain(4, GELU), rms)
      second shouldBe Sublayer.preNorm(Norm.Layer(1e-5), Attention.causal(2, 4))
      spec.head shouldBe Head(EACH, null, 2, false)
    }

    test("wordsOfAttentionAreSaid") {
      val spec =
        model("words", width = 8) {
          tokens(vocabulary = 9, maxLength = 4)
          layer {
            attention(heads = 2) { it.withWindow(3).withClip(8.0) }
            skip(mindSkip(0.5)) { attention(heads = 2) { it.withBias(QUERY_KEY_VALUE) } }
          }
          head(outputs = 2)
        }
      val (windowed, skipped) = spec.plan.blocks.single().operations()
      windowed shouldBe Attention.causal(2, 4).withWindow(3).withClip(8.0)
      (skipped as Skip).operation shouldBe Attention.causal(2, 4).withBias(QUERY_KEY_VALUE)
    }

    test("modulatedChainsHaveTheNormsOfTheirSublayers") {
      val spec =
        model("diffusion", width = 8, norms = preNorm(rmsNorm())) {
          features(4, maxLength = 6)
          layer {
            modulated(3, switchDit(16, 2, false)) {
              chain {
                attention(heads = 2, mask = FULL)
                feedForward(inner = 5)
              }
            }
          }
          head(outputs = 2)
        }
      val sublayer = spec.plan.blocks.single().sublayers.single()
      sublayer.before shouldBe null
      val modulated = sublayer.operation as Mixture.Modulated
      modulated.router shouldBe switchDit(16, 2, false)
      val chain = modulated.operation as Chain
      chain.sublayers.map { it.before } shouldBe listOf(rmsNorm(), rmsNorm())
      Requirements.of(spec).condition shouldBe 16
    }

    test("mergedChainsHaveTheNormsOfTheirSublayers") {
      val spec =
        model("long", width = 8, norms = preNorm(rmsNorm())) {
          tokens(vocabulary = 9, maxLength = 64)
          layer {
            merged(size = 4, fine = 2, kept = listOf(0)) {
              attention(heads = 2, mask = FULL)
              feedForward(inner = 5)
            }
          }
          head(outputs = 2)
        }
      val sublayer = spec.plan.blocks.single().sublayers.single()
      sublayer.before shouldBe null
      sublayer.name shouldBe "merged"
      val merged = sublayer.operation as Chain.Merged
      merged.chain.sublayers.map { it.before } shouldBe listOf(rmsNorm(), rmsNorm())
      Chain.Merged(4, 2, listOf(0), merged.chain) shouldBe merged
    }

    test("keyValueHeadsRotaryAndNamesAreSaid") {
      val spec =
        model("grouped", width = 64) {
          tokens(vocabulary = 9, maxLength = 4)
          layer {
            attention(8, keyValueHeads = 2, rotary = rotary(500_000.0), name = "local")
            attention(8)
            experts(4, inner = 8, router = mixtral(2), activation = SILU, gated = true)
          }
          head(outputs = 2)
        }
      val sublayers = spec.plan.blocks.single().sublayers
      sublayers.map(Sublayer::name) shouldBe listOf("local", "attention", "mixture")
      sublayers[0].operation shouldBe
        Attention.causal(8, 8).withKeyValueHeads(2).withRotary(500_000.0)
    }

    test("aWholeItemLeavesAtAPooledExitAndOwesNothing") {
      val spec =
        model("classifier", width = 8) {
          tokens(vocabulary = 9, maxLength = 4)
          layers(3) { attention(heads = 2, mask = FULL) }
          head(outputs = 2, pool = FIRST)
          exit("early", after = 1)
          exit("late", after = 2) {
            entropy()
            head(outputs = 2, pool = Head.Pool.MEAN, norm = null)
          }
        }
      val (early, late) = spec.plan.exits()
      early shouldBe Exit("early", spec.head, Criterion.confidence(), Bypass.TERMINATE)
      late.head shouldBe Head(Head.Pool.MEAN, null, 2, false)
      late.criterion shouldBe Criterion.entropy()
    }

    test("rowsThatNobodyReadsLaterTerminate") {
      val spec =
        model("rows", width = 8) {
          tokens(vocabulary = 9, maxLength = 4)
          layer { attention(heads = 2) }
          layers(2) { feedForward(inner = 4) }
          exit("margin", after = 2) { margin() }
          head(outputs = 2)
        }
      spec.plan.exits().single().bypass shouldBe Bypass.TERMINATE
      spec.plan.exits().single().criterion shouldBe Criterion.margin()
    }

    test("errorsNameFieldValueAndBound") {
      fun fails(width: Int = 8, describe: ModelBuilder.() -> Unit) =
        shouldThrow<DescriptionException> {
            model("wrong", width) {
              tokens(vocabulary = 9, maxLength = 4)
              describe()
            }
          }
          .message
      fun ModelBuilder.sound(layers: Int = 2) {
        layers(layers) { feedForward(inner = 4) }
        head(outputs = 2)
      }
      fails { layers(2) { feedForward(inner = 4) } } shouldBe "model.head is missing: say head(...)"
      fails { head(outputs = 2) } shouldBe "model.layers is missing: say layers(...) { }"
      fails {
        sound()
        features(count = 3, maxLength = 1)
      } shouldBe
        "model.input is said twice: Tokens[vocabulary=9, maxLength=4], " +
          "then Features[features=3, maxLength=1]"
      fails { layers(0) { feedForward(inner = 4) } } shouldBe "model.layers 0 is below 1"
      fails { layer { attention(heads = 3) } } shouldBe
        "attention.heads 3 does not divide model.width 8: say headWidth"
      fails { layer { attention(heads = 0) } } shouldBe "attention.heads 0 is below 1"
      fails(width = 0) { sound() } shouldBe "model.width 0 is below 1"
      fails { layer {} } shouldBe "block.sublayers.size 0 is below 1"
      fails { layer { experts(2, inner = 4, router = mixtral(3)) } } shouldBe
        "router.k 3 is not in 1..2"
      fails {
        sound()
        exit("late", after = 9)
      } shouldBe "exit \"late\" after 9 is not in 1..1"
      fails {
        sound(layers = 3)
        exit("a", after = 1)
        exit("b", after = 1)
      } shouldBe "exit \"b\" depth 1 already has an exit"
      fails {
        sound()
        exit("a", after = 1) {
          confidence()
          entropy()
        }
      } shouldBe
        "exit \"a\" criterion is said twice: Criterion[score=CONFIDENCE, comparison=GE], " +
          "then Criterion[score=ENTROPY, comparison=LT]"
    }

    test("aModelWithoutInputIsRefused") {
      shouldThrow<DescriptionException> {
          model("wrong", width = 8) {
            layer { feedForward(inner = 4) }
            head(outputs = 2)
          }
        }
        .message shouldBe "model.input is missing: say tokens(...), features(...) or records(...)"
    }
  })
