package anabranch.dsl

import anabranch.engine.Policy
import anabranch.error.DescriptionException
import anabranch.model.Exit.Criterion.Comparison
import anabranch.model.Exit.Criterion.Score
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
  })
