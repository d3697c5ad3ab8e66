package anabranch.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import anabranch.backend.Event;
import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.reference.Verdict.Choice;
import anabranch.engine.Policy;
import anabranch.model.Exit;
import anabranch.model.ModelSpec;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compares an answer with the oracle in two passes at once: the oracle runs under the decisions the
 * backend took, so that all numbers must agree within the tolerance; and each of these decisions
 * must be the oracle's own, unless it was so close that rounding may have tipped it.
 */
final class Judge {
  private final ModelSpec spec;
  private final Oracle oracle;
  private final Tolerance tolerance;

  Judge(ModelSpec spec, Oracle oracle, Tolerance tolerance) {
    this.spec = spec;
    this.oracle = oracle;
    this.tolerance = tolerance;
  }

  /** Fails unless an answer to an event under a policy is right. */
  void judge(String what, Event event, Policy policy, Answered answered) {
    Verdict verdict = replay(event, answered);
    exits(what, verdict, policy, answered);
    compare(what, verdict, answered);
  }

  /** Fails unless an answer to an event with forced exits is right. */
  void judge(String what, Event event, List<Integer> forced, Answered answered) {
    assertEquals(forced, answered.exits(), what + ": places where units left");
    compare(what, replay(event, answered), answered);
  }

  private Verdict replay(Event event, Answered answered) {
    return oracle.run(event, Decisions.exits(answered.exits()).withExperts(answered.replay()));
  }

  private void exits(String what, Verdict verdict, Policy policy, Answered answered) {
    List<Exit> exits = spec.plan().exits();
    for (int unit = 0; unit < verdict.units(); unit++) {
      for (int point = 0; point < exits.size() && point <= answered.exits[unit]; point++) {
        Exit exit = exits.get(point);
        Double threshold = policy.thresholds().get(exit.id());
        double score = verdict.score(point, unit);
        boolean left = point == answered.exits[unit];
        boolean leaves = threshold != null && exit.criterion().fires(score, threshold);
        boolean fragile =
            threshold != null && Math.abs(score - threshold) <= tolerance.guardBand(threshold);
        if (left != leaves && !fragile) {
          fail(
              what
                  + ": unit "
                  + unit
                  + (left ? " left" : " stayed")
                  + " at exit "
                  + exit.id()
                  + ", where the exact score "
                  + score
                  + " meets threshold "
                  + threshold);
        }
      }
    }
  }

  private void compare(String what, Verdict verdict, Answered answered) {
    for (String mixture : answered.experts.keySet()) {
      assertTrue(verdict.mixtures().contains(mixture), what + ": there is no mixture " + mixture);
    }
    for (String mixture : verdict.mixtures()) {
      int[][] experts = answered.experts.get(mixture);
      float[][] gates = answered.gates.get(mixture);
      for (int row = 0; row < verdict.rows(); row++) {
        Choice exact = verdict.choice(mixture, row);
        String at = what + ": " + mixture + " row " + row;
        if (experts == null || gates == null) {
          assertNull(exact, at + " ran and is in no trace");
        } else {
          choice(at, exact, experts[row], gates[row]);
        }
      }
    }
    for (int unit = 0; unit < verdict.units(); unit++) {
      double[] expected = verdict.logits(unit);
      close(what + ": unit " + unit + " logits", expected, answered.logits[unit]);
      for (int point = 0; point < answered.scores.length; point++) {
        float score = answered.scores[point][unit];
        if (!Float.isNaN(score)) {
          double exact = verdict.score(point, unit);
          near(what + ": unit " + unit + " score at point " + point, exact, score);
        }
      }
    }
  }

  private void choice(String what, @Nullable Choice exact, int[] experts, float[] gates) {
    if (exact == null) {
      assertEquals(-1, experts[0], what + " had left, yet saw an expert");
      return;
    }
    if (!new TreeSet<>(exact.own()).equals(new TreeSet<>(exact.experts()))
        && !(exact.margin() <= tolerance.guardBand(exact.preferences().get(0)))) {
      fail(
          what
              + " saw experts "
              + Arrays.toString(experts)
              + " instead of "
              + exact.own()
              + ", which win by "
              + exact.margin());
    }
    for (int i = 0; i < experts.length; i++) {
      near(what + " gate of expert " + experts[i], exact.gates().get(i), gates[i]);
      double better = exact.preferences().get(Math.max(0, i - 1));
      double worse = exact.preferences().get(i);
      assertTrue(
          better >= worse - tolerance.guardBand(worse),
          what + " experts " + Arrays.toString(experts) + " are not best first");
    }
  }

  private void near(String what, double exact, float actual) {
    if (!(Math.abs(exact - actual) <= tolerance.of(exact))) {
      fail(what + " is " + actual + " instead of " + exact + " +- " + tolerance.of(exact));
    }
  }

  /** Fails unless a row is within the tolerance of the expected one. */
  void close(String what, double[] expected, float[] actual) {
    double allowed = tolerance.of(expected);
    for (int i = 0; i < expected.length; i++) {
      if (!(Math.abs(expected[i] - actual[i]) <= allowed)) {
        fail(
            what
                + " are "
                + Arrays.toString(actual)
                + " instead of "
                + Arrays.toString(expected)
                + " +- "
                + allowed);
      }
    }
  }
}
