package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.conformance.reference.Verdict;
import anabranch.engine.Policy;
import anabranch.json.Descriptions;
import anabranch.model.ModelSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

class ModelSpaceTest {
  private static final Subject REFERENCE = ReferenceBackend::new;

  /** Every word of the description language, as it prints, must be in some default case. */
  @Test
  void theDefaultCasesSayEveryWordOfTheLanguage() {
    StringBuilder said = new StringBuilder();
    for (long seed = 0; seed < REFERENCE.cases(); seed++) {
      said.append(ModelSpace.draw(seed).spec());
    }
    for (String word :
        List.of(
            "Tokens[",
            "Features[",
            "learnedPositions=true",
            "Ngrams[",
            "norm=Layer[",
            "norm=Rms[",
            "before=Layer",
            "before=Rms",
            "after=Layer",
            "after=Rms",
            "afterSum=Layer",
            "afterSum=Rms",
            "mask=CAUSAL",
            "mask=FULL",
            "Rotary[",
            "keyValueHeads=1",
            "keyValueHeads=2",
            "bias=true",
            "gated=true",
            "gated=false",
            "activation=RELU,",
            "RELU_SQUARED",
            "GELU",
            "SILU",
            "Mixture[",
            "source=TOKEN_ID",
            "Linear[bias=true]",
            "score=SOFTMAX",
            "score=SIGMOID",
            "score=IDENTITY",
            "correction=true",
            "Groups[",
            "maskedToZero=true",
            "maskedToZero=false",
            "of=SCORE",
            "of=SOFTMAX_OF_SELECTED",
            "of=SIGMOID_OF_SELECTED",
            "of=ONE",
            "Normalise[",
            "placement=INPUT",
            "pool=EACH",
            "pool=FIRST",
            "pool=LAST",
            "pool=MEAN",
            "score=CONFIDENCE",
            "score=MARGIN",
            "score=ENTROPY",
            "comparison=GE",
            "comparison=GT",
            "comparison=LE",
            "comparison=LT",
            "bypass=TERMINATE",
            "bypass=FREEZE_PROJECT")) {
      assertTrue(said.toString().contains(word), word + " is in no case");
    }
  }

  @Test
  void everyDescriptionSurvivesItsWayThroughText() {
    for (long seed = 0; seed < 500; seed++) {
      ModelSpec spec = ModelSpace.draw(seed).spec();
      String text = Descriptions.text(spec);
      assertEquals(spec, Descriptions.model(text), "seed " + seed);
      assertEquals(text, Descriptions.text(Descriptions.model(text)), "seed " + seed);
    }
  }

  @Test
  void theSameSeedDrawsTheSameCase() {
    for (long seed = 0; seed < 5; seed++) {
      Case one = ModelSpace.draw(seed);
      Case two = ModelSpace.draw(seed);
      assertEquals(one.spec(), two.spec());
      assertEquals(one.events(), two.events());
      one.weights()
          .names()
          .forEach(
              name ->
                  assertEquals(
                      one.weights().tensor(name).bytes(), two.weights().tensor(name).bytes()));
    }
  }

  /** A policy that nobody, or everybody, follows would prove little. */
  @Test
  void aboutHalfOfTheUnitsLeaveEarly() {
    int early = 0;
    int units = 0;
    int fragile = 0;
    int choices = 0;
    for (long seed = 0; seed < REFERENCE.cases(); seed++) {
      Case drawn = ModelSpace.draw(seed);
      if (drawn.spec().plan().exits().isEmpty()) {
        continue;
      }
      Oracle oracle = new Oracle(drawn.spec(), drawn.weights());
      Policy policy = drawn.halfLeave(oracle);
      for (var event : drawn.events()) {
        Verdict verdict = oracle.run(event, Decisions.by(policy.thresholds()));
        for (int unit = 0; unit < verdict.units(); unit++, units++) {
          early += verdict.exit(unit) < drawn.spec().plan().exits().size() ? 1 : 0;
        }
        for (String mixture : verdict.mixtures()) {
          for (int row = 0; row < verdict.rows(); row++) {
            Verdict.Choice choice = verdict.choice(mixture, row);
            choices += choice == null ? 0 : 1;
            fragile += choice != null && choice.margin() < 1e-3 ? 1 : 0;
          }
        }
      }
    }
    assertTrue(early > units / 3 && early < units * 9 / 10, early + " of " + units + " leave");
    assertTrue(fragile < choices / 20, fragile + " of " + choices + " choices are close");
  }
}
