package anabranch.conformance.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.golden.reading.Readings;
import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.RecordedModel;
import anabranch.conformance.golden.recorded.Runner;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * The backend under test beside recorded models. Models that its declared limits refuse, or that it
 * declares to compute more roughly than {@link Finding#BAR}, are left out; once all others hold,
 * the test is skipped with their names. Stateless.
 */
public final class RecordedTrial {
  private RecordedTrial() {}

  /** Fails unless the backend's numbers and decisions are the recorded ones. */
  public static void answers(Subject kit, Recorded... models) {
    each(kit, models, RecordedTrial::answers);
  }

  /**
   * Fails unless each line answers alike in a batch, alone, row by row and carried as images.
   *
   * @see Continuity
   */
  public static void continues(Subject kit, Recorded... models) {
    each(kit, models, RecordedTrial::continues);
  }

  private interface Check {
    /** Returns how far numbers are declared to be from exact ones, as far as it matters. */
    double check(Subject kit, OpenedModel model);
  }

  private static void each(Subject kit, Recorded[] models, Check check) {
    List<String> left = new ArrayList<>();
    for (Recorded recorded : models) {
      String why =
          recorded.lent(
              folder -> {
                try (OpenedModel model = OpenedModel.of(folder)) {
                  return judged(kit, model, check);
                }
              });
      if (!why.isEmpty()) {
        left.add(recorded.title() + " (" + why + ")");
      }
    }
    Assumptions.assumeTrue(left.isEmpty(), "recordings left out: " + left);
  }

  /** Returns why a model is left out; empty where it was judged. */
  private static String judged(Subject kit, OpenedModel model, Check check) {
    if (!Trial.accepts(kit, model.name(), model.checkpoint().spec())) {
      return "the declared limits refuse it";
    }
    try {
      double allowed = check.check(kit, model);
      return allowed <= Finding.BAR ? "" : "numbers are declared to be " + allowed + " apart";
    } catch (RuntimeException failed) {
      throw new AssertionError(model.name() + ": " + failed, failed);
    }
  }

  private static double answers(Subject kit, OpenedModel opened) {
    double[] allowed = {0};
    Runner.Place place =
        (spec, weights) -> {
          Runner runner = Runner.on(kit).load(spec, weights);
          allowed[0] = Math.max(allowed[0], runner.allowed());
          return runner;
        };
    List<Finding> findings = compare(opened, place);
    if (allowed[0] <= Finding.BAR) {
      List<String> wrong =
          findings.stream().filter(finding -> !finding.agrees()).map(Finding::line).toList();
      assertEquals(List.of(), wrong, "recorded model " + opened.name());
    }
    return allowed[0];
  }

  private static double continues(Subject kit, OpenedModel opened) {
    int ways = Continuity.check(opened, kit);
    assertTrue(ways > 0, "recorded model " + opened.name() + " has no lines");
    return 0;
  }

  /** Returns what is found of one model. */
  static List<Finding> compare(OpenedModel opened, Runner.Place place) {
    try (RecordedModel model =
        new RecordedModel(
            opened.checkpoint().spec(), opened.checkpoint().weights(), opened.recording(), place)) {
      return Readings.compare(opened.name(), model);
    }
  }
}
