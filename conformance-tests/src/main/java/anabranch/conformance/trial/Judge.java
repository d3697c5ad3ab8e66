package anabranch.conformance.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import anabranch.backend.Event;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.space.Sequence;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Compares answers with the oracle in two passes at once: the oracle runs under the decisions that
 * were taken, so that all numbers must agree within the tolerance; and each of these decisions must
 * be the oracle's own, unless it was so close that rounding may have tipped it.
 */
public final class Judge {
  private final Cut cut;
  private final Oracle oracle;
  private final Tolerance tolerance;

  Judge(ModelSpec spec, Oracle oracle, Tolerance tolerance) {
    this.cut = Cut.of(spec);
    this.oracle = oracle;
    this.tolerance = tolerance;
  }

  /**
   * Fails unless the answers to sequences that ran together are right.
   *
   * @param policy what decided; null where decisions were forced
   */
  public void judge(List<Sequence> sequences, @Nullable Policy policy, List<Answered> answers) {
    Map<String, Double> thresholds = new HashMap<>();
    if (policy != null) {
      thresholds.putAll(policy.thresholds());
    }
    for (Step step : cut.steps()) {
      if (policy == null && step.stage().point() instanceof Point.AtPrune) {
        thresholds.put(Deciding.id(step), Deciding.FORCED_SHARE);
      }
    }
    List<Verdict> verdicts = Replays.of(cut, sequences, answers, oracle, thresholds);
    for (int n = 0; n < answers.size(); n++) {
      String what = "sequence " + n;
      for (Step step : cut.steps()) {
        decisions(what, step, verdicts.get(n), policy, answers.get(n));
      }
      Event memory = sequences.get(n).memory();
      routers(what, memory == null ? 0 : memory.rows(), verdicts.get(n), answers.get(n));
      logits(what, verdicts.get(n), answers.get(n));
    }
  }

  private void decisions(
      String what, Step step, Verdict verdict, @Nullable Policy policy, Answered answered) {
    int s = step.index();
    String at = what + ": step " + s + " " + Deciding.id(step);
    Point point = step.stage().point();
    if (point instanceof Point.AtPrune) {
      kept(at, s, verdict, answered);
      return;
    }
    for (int unit = 0; unit < answered.scores[s].length; unit++) {
      float score = answered.scores[s][unit];
      String here = at + " unit " + unit;
      if (!Float.isNaN(score)) {
        near(here + " score", score(verdict, s, unit), score);
      }
      if (answered.labels[s][unit] >= 0) {
        assertEquals(verdict.label(s, unit), answered.labels[s][unit], here + " label");
      }
      boolean decided = point instanceof Point.AtExit || point instanceof Point.AtHalt;
      double exact = decided ? score(verdict, s, unit) : Double.NaN;
      if (policy != null && decided && (!Double.isNaN(exact) || !Float.isNaN(score))) {
        fired(here, step, exact, policy, took(step, unit, answered));
      }
    }
  }

  private static double score(Verdict verdict, int step, int unit) {
    double[] scores = verdict.scores(step);
    return unit < scores.length ? scores[unit] : Double.NaN;
  }

  private static boolean took(Step step, int unit, Answered answered) {
    if (step.stage().point() instanceof Point.AtHalt) {
      return answered.halted[step.index()][unit];
    }
    return step.stage().encoder()
        ? answered.memoryExit == step.index()
        : unit < answered.exits.length && answered.exits[unit] == step.index();
  }

  private void fired(String what, Step step, double score, Policy policy, boolean took) {
    Double threshold = policy.thresholds().get(Deciding.id(step));
    boolean fires = threshold != null && Deciding.criterion(step).fires(score, threshold);
    boolean fragile =
        threshold != null && Math.abs(score - threshold) <= tolerance.guardBand(threshold);
    if (took != fires && !fragile) {
      fail(
          what
              + (took ? " left" : " stayed")
              + ", where the exact score "
              + score
              + " meets threshold "
              + threshold);
    }
  }

  private void kept(String what, int step, Verdict verdict, Answered answered) {
    List<Integer> kept = answered.kept.getOrDefault(step, List.of());
    TreeSet<Integer> differ = new TreeSet<>(kept);
    differ.removeAll(verdict.kept(step));
    TreeSet<Integer> lost = new TreeSet<>(verdict.kept(step));
    lost.removeAll(kept);
    differ.addAll(lost);
    double most = Double.NEGATIVE_INFINITY;
    double least = Double.POSITIVE_INFINITY;
    for (int position : differ) {
      most = Math.max(most, verdict.score(step, position));
      least = Math.min(least, verdict.score(step, position));
    }
    if (most - least > tolerance.guardBand(most)) {
      fail(what + " kept " + kept + " instead of " + verdict.kept(step));
    }
    for (int position = 0; position < answered.scores[step].length; position++) {
      float score = answered.scores[step][position];
      if (!Float.isNaN(score)) {
        near(what + " score of row " + position, verdict.score(step, position), score);
      }
    }
  }

  private void routers(String what, int memory, Verdict verdict, Answered answered) {
    for (String router : answered.experts.keySet()) {
      assertTrue(verdict.routers().contains(router), what + ": there is no router " + router);
    }
    for (String router : verdict.routers()) {
      int[][] experts = answered.experts.get(router);
      float[][] gates = answered.gates.get(router);
      int unseen = router.startsWith("encoder.") ? memory : verdict.rows();
      int rows = experts == null ? unseen : experts.length;
      for (int row = 0; row < rows; row++) {
        Choice exact = verdict.choice(router, row);
        String at = what + ": " + router + " row " + row;
        if (experts == null || gates == null) {
          assertTrue(exact == null, at + " was asked and is in no trace");
        } else {
          choice(at, exact, experts[row], gates[row]);
        }
      }
    }
  }

  private void choice(String what, @Nullable Choice exact, int[] experts, float[] gates) {
    List<Integer> taken = Replays.members(experts);
    if (exact == null) {
      assertEquals(List.of(), taken, what + " was not to be asked, yet took");
      return;
    }
    if (!new TreeSet<>(exact.own()).equals(new TreeSet<>(taken))) {
      double scale = exact.preferences().isEmpty() ? 1 : exact.preferences().get(0);
      if (!(exact.margin() <= tolerance.guardBand(scale))) {
        fail(
            what
                + " took "
                + Arrays.toString(experts)
                + " instead of "
                + exact.own()
                + ", which win by "
                + exact.margin());
      }
    }
    for (int i = 0; i < taken.size(); i++) {
      near(what + " gate of expert " + experts[i], exact.gates().get(i), gates[i]);
      double better = exact.preferences().get(Math.max(0, i - 1));
      double worse = exact.preferences().get(i);
      assertTrue(
          better >= worse - tolerance.guardBand(worse),
          what + " experts " + Arrays.toString(experts) + " are not best first");
    }
  }

  private void logits(String what, Verdict verdict, Answered answered) {
    for (int unit = 0; unit < verdict.units(); unit++) {
      if (answered.exits[unit] >= 0) {
        close(what + ": unit " + unit + " logits", verdict.logits(unit), answered.logits[unit]);
      }
    }
  }

  private void near(String what, double exact, float actual) {
    if (!(Math.abs(exact - actual) <= tolerance.of(exact))) {
      fail(what + " is " + actual + " instead of " + exact + " +- " + tolerance.of(exact));
    }
  }

  /** Fails unless a row is within the tolerance of the expected one. */
  public void close(String what, double[] expected, float[] actual) {
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
