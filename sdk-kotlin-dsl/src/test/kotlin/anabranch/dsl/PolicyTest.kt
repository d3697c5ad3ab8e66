package anabranch.dsl

import anabranch.engine.Policy
import anabranch.error.DescriptionException
import anabranch.model.layer.Attention.Mask.FULL
import anabranch.model.layer.Attention.Mask.MEMORY
import anabranch.model.plan.Criterion.Comparison
import anabranch.model.plan.Criterion.Score
import anabranch.model.plan.Head.Pool.FIRST
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe

class PolicyTest :
  FunSpec({
    val spec =
      model("exits", width = 8) {
        tokens(vocabulary = 9, maxLength = 4)
        layers(4) { feedForward(inner = 4) }
        exit("sure", after = 1) { confidence() }
        exit("calm", after = 2) { entropy() }
        exit("other", after = 3) { criterion(Score.MARGIN, Comparison.GT) }
        head(outputs = 2)
      }

    test("aPolicyEqualsItsConstructor") {
      val policy =
        spec.policy("v1") {
          exit("sure", atLeast(0.9))
          exit("calm", below(0.25))
          exit("other", above(0.5))
        }
      policy shouldBe Policy("v1", mapOf("sure" to 0.9, "calm" to 0.25, "other" to 0.5))
      spec.policy("none") {} shouldBe Policy.named("none")
    }

    test("errorsNameTheExitAndWhatItHas") {
      fun fails(describe: PolicyBuilder.() -> Unit) =
        shouldThrow<DescriptionException> { spec.policy("v1", describe) }.message
      fails { exit("late", atLeast(0.9)) } shouldBe
        "policy exit \"late\" is not one of [sure, calm, other]"
      fails { exit("calm", atLeast(0.9)) } shouldBe
        "policy exit \"calm\" GE 0.9 does not go with its criterion, which compares with LT"
      fails { exit("sure", atMost(0.9)) } shouldBe
        "policy exit \"sure\" LE 0.9 does not go with its criterion, which compares with GE"
      fails {
        exit("sure", atLeast(0.9))
        exit("sure", atLeast(0.8))
      } shouldBe "policy exit \"sure\" is said twice: GE 0.9, then GE 0.8"
      fails { exit("sure", atLeast(Double.NaN)) } shouldBe
        "policy.thresholds.sure NaN is not a finite number"
    }

    val decided =
      model("decided", width = 8) {
        encoder {
          features(count = 3, maxLength = 4)
          layers(2) { attention(heads = 2, mask = FULL) }
          exit("read", after = 1)
        }
        tokens(vocabulary = 9, maxLength = 4)
        choice("depth")
        layer { attention(heads = 2, mask = FULL) }
        exit("one") { chosen() }
        prune("less") { keep(0) }
        loop(3) {
          layer { attention(heads = 2, mask = FULL) }
          until("out")
        }
        exit("two") { chosen() }
        layer { attention(heads = 2, mask = MEMORY) }
        head(outputs = 2, pool = FIRST)
      }

    test("haltsPrunesEncodersAndChoicesHaveWords") {
      val policy =
        decided.policy("v1") {
          exit("read", above(0.5))
          halt("out", above(0.75))
          prune("less", keep = 0.25)
          obey("one", "two")
        }
      policy shouldBe
        Policy(
          "v1",
          mapOf("read" to 0.5, "out" to 0.75, "less" to 0.25, "one" to 1.0, "two" to 1.0),
        )
    }

    test("eachWordIsForPartsOfItsKind") {
      fun fails(describe: PolicyBuilder.() -> Unit) =
        shouldThrow<DescriptionException> { decided.policy("v1", describe) }.message
      fails { halt("less", above(0.5)) } shouldBe "policy halt \"less\" is not one of [out]"
      fails { prune("out", keep = 0.5) } shouldBe "policy prune \"out\" is not one of [less]"
      fails { prune("less", keep = 0.0) } shouldBe "policy prune \"less\" keep 0.0 is not in (0, 1]"
      fails { prune("less", keep = 1.5) } shouldBe "policy prune \"less\" keep 1.5 is not in (0, 1]"
      fails { prune("less", keep = Double.NaN) } shouldBe
        "policy prune \"less\" keep NaN is not in (0, 1]"
      fails { obey("read") } shouldBe "policy exit \"read\" is not one of [one, two]"
      fails { halt("out", atLeast(0.5)) } shouldBe
        "policy halt \"out\" GE 0.5 does not go with its criterion, which compares with GT"
      fails {
        obey("one")
        exit("one", atLeast(0.5))
      } shouldBe "policy exit \"one\" is said twice: GE 1.0, then GE 0.5"
    }

    test("onlyTheOrderThatRunsHasThresholds") {
      val two =
        model("two", width = 8) {
          tokens(vocabulary = 9, maxLength = 4)
          layer { feedForward(inner = 4) }
          exit("early")
          layer { feedForward(inner = 4) }
          order("short") { run(1) }
          choose("short")
          head(outputs = 2)
        }
      shouldThrow<DescriptionException> { two.policy("v1") { exit("early", atLeast(0.5)) } }
        .message shouldBe "policy exit \"early\" is not one of []"
    }
  })
