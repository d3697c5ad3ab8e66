package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Backend;
import anabranch.conformance.reference.ReferenceBackend;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.ModelSpace;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.json.Descriptions;
import anabranch.model.ModelSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

class ModelSpaceTest {
  private static final Subject REFERENCE =
      new Subject() {
        @Override
        public Backend backend() {
          return new ReferenceBackend();
        }

        @Override
        public int cases() {
          return 150;
        }
      };

  @Test
  void everyDescriptionSurvivesItsWayThroughText() {
    for (long seed = 0; seed < 500; seed++) {
      ModelSpec spec = ModelSpace.draw(seed, true).spec();
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
      assertEquals(one.sequences(), two.sequences());
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
    int[] counts = new int[2];
    Trial.forEach(
        REFERENCE,
        trial -> {
          List<Integer> steps = trial.subject.exitSteps();
          if (steps.size() > 1) {
            int end = steps.get(steps.size() - 1);
            for (Answered answer : trial.by(trial.halfLeave()).run(trial.subject.sequences())) {
              for (int exit : answer.exits) {
                counts[0] += exit >= 0 && exit < end ? 1 : 0;
                counts[1] += exit >= 0 ? 1 : 0;
              }
            }
          }
        });
    int early = counts[0];
    int units = counts[1];
    assertTrue(early > units / 4 && early < units * 9 / 10, early + " of " + units + " leave");
  }
}
