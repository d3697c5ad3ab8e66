package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.conformance.reference.Oracle;
import anabranch.engine.Policy;
import anabranch.error.Unsupported;
import anabranch.json.Descriptions;
import anabranch.model.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * A case loaded on the backend under test, with the oracle beside it. The backend gets a
 * description that travelled as JSON text, the oracle the one that was drawn.
 */
final class Trial implements AutoCloseable {
  final Case subject;
  final Oracle oracle;
  final LoadedModel model;
  final Judge judge;

  /** What is done with a loaded case. */
  interface Body {
    /** Checks one case. */
    void check(Trial trial) throws Exception;
  }

  private Trial(Subject kit, Case subject) {
    this.subject = subject;
    oracle = new Oracle(subject.spec(), subject.weights());
    ModelSpec travelled = Descriptions.model(Descriptions.text(subject.spec()));
    model = kit.backend().load(travelled, subject.weights(), kit.options());
    judge = new Judge(subject.spec(), oracle, kit.tolerance(model.numerics()));
  }

  /** Checks the random cases, or the one whose seed is asked for. */
  static void forEach(Subject kit, Body body) {
    String asked = System.getProperty("anabranch.conformance.seed");
    if (asked != null) {
      run(kit, ModelSpace.draw(Long.parseLong(asked)), body);
      return;
    }
    int done = 0;
    for (long seed = 0; seed < kit.cases(); seed++) {
      done += run(kit, ModelSpace.draw(seed), body) ? 1 : 0;
    }
    assertTrue(2 * done >= kit.cases(), "the declared limits leave " + done + " cases only");
  }

  /** Checks one case that every backend should run; skips it, saying why, where it may not. */
  static void of(Subject kit, Case subject, Body body) {
    Assumptions.assumeTrue(run(kit, subject, body), "the declared limits refuse " + subject.name());
  }

  private static boolean run(Subject kit, Case subject, Body body) {
    List<Unsupported> refused = kit.backend().check(subject.spec(), kit.options());
    List<Unsupported> undeclared =
        refused.stream().filter(part -> !kit.limits().contains(part.field())).toList();
    if (!undeclared.isEmpty()) {
      fail(
          subject.name()
              + ": refused beyond the declared limits "
              + kit.limits()
              + ": "
              + undeclared);
    }
    if (!refused.isEmpty()) {
      return false;
    }
    try (Trial trial = new Trial(kit, subject)) {
      body.check(trial);
    } catch (Exception | AssertionError failure) {
      throw new AssertionError(
          subject.name() + ": " + failure.getMessage() + "\n  model: " + subject.spec(), failure);
    }
    return true;
  }

  /** Returns whether the backend promises the same bits in any batch. */
  boolean batchInvariant() {
    return model.numerics().kind() == Numerics.Kind.BITWISE_BATCH_INVARIANT;
  }

  /** Returns a walk on which units leave as a policy says. */
  Walk by(Policy policy) {
    return new Walk(
        model,
        (item, unit, point, exit, score) -> {
          Double threshold = policy.thresholds().get(exit.id());
          return threshold != null && exit.criterion().fires(score, threshold);
        });
  }

  /** Returns a walk on which units leave where they are told: a point for each unit. */
  Walk forced(List<List<Integer>> exits) {
    return new Walk(model, (item, unit, point, exit, score) -> exits.get(item).get(unit) == point);
  }

  /** Judges answers to all items of the case under a policy. */
  void judge(Policy policy, List<Answered> answers) {
    for (int item = 0; item < answers.size(); item++) {
      judge.judge("item " + item, subject.events().get(item), policy, answers.get(item));
    }
  }

  /** Judges answers to all items of the case with forced exits. */
  void judge(List<List<Integer>> exits, List<Answered> answers) {
    for (int item = 0; item < answers.size(); item++) {
      judge.judge("item " + item, subject.events().get(item), exits.get(item), answers.get(item));
    }
  }

  /** Fails unless two lists of answers have the same bits. */
  static void sameBits(List<Answered> expected, List<Answered> actual) {
    for (int item = 0; item < expected.size(); item++) {
      assertEquals(expected.get(item).bits(), actual.get(item).bits(), "bits of item " + item);
    }
  }

  /** Runs each item alone. */
  List<Answered> oneByOne(Policy policy) {
    List<Answered> answers = new ArrayList<>();
    for (Event event : subject.events()) {
      answers.addAll(by(policy).run(List.of(event)));
    }
    return answers;
  }

  @Override
  public void close() {
    model.close();
  }
}
