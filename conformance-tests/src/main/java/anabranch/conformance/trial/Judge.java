package anabranch.conformance.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import anabranch.backend.Event;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Sequence;
import anabranch.engine.Policy;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Compares answers with the oracle in two passes at once: the oracle runs under the decisions that
 * were taken, so that all numbers must agree within the tolerance, or within what rounding explains
 * (rule D9); and each of these decisions must be the oracle's own, unless it was so close that
 * rounding may have tipped it.
 */
public final class Judge {
  /** How often the weights are moved to see how far exact numbers move. */
  private static final int MOVES = 4;

  private final Cut cut;
  private final Case subject;
  private final Oracle oracle;
  private final Tolerance tolerance;
  private final LongFunction<Weights> rounding;
  private final List<Oracle> moved = new ArrayList<>();
  private int amplified;

  /**
   * Creates a judge.
   *
   * @param rounding gives the weights of the case as rounding may move them, drawn from a seed
   */
  Judge(Case subject, Oracle oracle, Tolerance tolerance, LongFunction<Weights> rounding) {
    this.cut = Cut.of(subject.spec());
    this.subject = subject;
    this.oracle = oracle;
    this.tolerance = tolerance;
    this.rounding = rounding;
  }

  /** Returns in how many judgements the tolerance alone was not enough. */
  public int amplified() {
    return amplified;
  }

  private List<Oracle> moved() {
    while (moved.size() < MOVES) {
      moved.add(new Oracle(subject.spec(), rounding.apply(moved.size())));
    }
    return moved;
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
    List<List<Verdict>> others = new ArrayList<>();
    for (int n = 0; n < answers.size(); n++) {
      String what = "sequence " + n;
      int number = n;
      Exact exact =
          new Exact(
              verdicts.get(n),
              tolerance,
              () -> {
                if (others.isEmpty()) {
                  amplified++;
                  moved()
                      .forEach(
                          other ->
                              others.add(Replays.of(cut, sequences, answers, other, thresholds)));
                }
                return others.stream().map(all -> all.get(number)).toList();
              });
      for (Step step : cut.steps()) {
        decisions(what, step, exact, policy, answers.get(n));
      }
      Event memory = sequences.get(n).memory();
      routers(what, memory == null ? 0 : memory.rows(), exact, answers.get(n));
      logits(what, exact, answers.get(n));
    }
  }

  private void decisions(
      String what, Step step, Exact exact, @Nullable Policy policy, Answered answered) {
    Verdict verdict = exact.verdict;
    int s = step.index();
    String at = what + ": step " + s + " " + Deciding.id(step);
    Point point = step.stage().point();
    if (point instanceof Point.AtPrune) {
      kept(at, s, exact, answered);
      return;
    }
    for (int unit = 0; unit < answered.scores[s].length; unit++) {
      float score = answered.scores[s][unit];
      String here = at + " unit " + unit;
      if (!Float.isNaN(score)) {
        int scored = unit;
        exact.near(here + " score", v -> score(v, s, scored), score);
      }
      if (answered.labels[s][unit] >= 0) {
        int labelled = unit;
        exact.label(here + " label", v -> v.label(s, labelled), answered.labels[s][unit]);
      }
      boolean decided = point instanceof Point.AtExit || point instanceof Point.AtHalt;
      double own = decided ? score(verdict, s, unit) : Double.NaN;
      if (policy != null && decided && (!Double.isNaN(own) || !Float.isNaN(score))) {
        fired(here, step, own, policy, took(step, unit, answered));
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

  private void kept(String what, int step, Exact exact, Answered answered) {
    Verdict verdict = exact.verdict;
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
    half(what, step, verdict, answered.half(cut.steps().get(step)));
    for (int position = 0; position < answered.scores[step].length; position++) {
      float score = answered.scores[step][position];
      if (!Float.isNaN(score)) {
        int row = position;
        exact.near(what + " score of row " + row, v -> v.score(step, row), score);
      }
    }
  }

  /** The half that was taken is the exact one, but for rows of about the same rank. */
  private void half(String what, int step, Verdict verdict, List<Integer> taken) {
    if (taken.isEmpty()) {
      return;
    }
    List<Integer> own = verdict.half(step);
    double lost = Double.NEGATIVE_INFINITY;
    for (int position : own) {
      lost = taken.contains(position) ? lost : Math.max(lost, verdict.rank(step, position));
    }
    double won = Double.POSITIVE_INFINITY;
    for (int position : taken) {
      won = own.contains(position) ? won : Math.min(won, verdict.rank(step, position));
    }
    if (own.size() != taken.size() || lost - won > tolerance.guardBand(lost)) {
      fail(what + " has " + taken + " as its half instead of " + own);
    }
  }

  private void routers(String what, int memory, Exact numbers, Answered answered) {
    Verdict verdict = numbers.verdict;
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
          choice(at, exact, experts[row]);
          gates(at, numbers, router, row, experts[row], gates[row]);
        }
      }
    }
  }

  private void choice(String what, @Nullable Choice exact, int[] experts) {
    List<Integer> taken = Replays.members(experts);
    if (exact == null) {
      assertEquals(List.of(), taken, what + " was not to be asked, yet took");
      return;
    }
    if (!new TreeSet<>(exact.own()).equals(new TreeSet<>(taken))) {
      // What is always picked is no near decision, and no measure of one.
      double scale = exact.preferences().stream().filter(Double::isFinite).findFirst().orElse(1.0);
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
      double better = exact.preferences().get(Math.max(0, i - 1));
      double worse = exact.preferences().get(i);
      assertTrue(
          better >= worse || better >= worse - tolerance.guardBand(worse),
          what + " experts " + Arrays.toString(experts) + " are not best first");
    }
  }

  private static void gates(
      String what, Exact exact, String router, int row, int[] experts, float[] gates) {
    for (int i = 0; i < Replays.members(experts).size(); i++) {
      int rank = i;
      exact.near(what + " gate of expert " + experts[i], v -> gate(v, router, row, rank), gates[i]);
    }
  }

  private static double gate(Verdict verdict, String router, int row, int rank) {
    Choice choice = verdict.choice(router, row);
    return choice == null ? Double.NaN : choice.gates().get(rank);
  }

  private void logits(String what, Exact exact, Answered answered) {
    for (int unit = 0; unit < exact.verdict.units(); unit++) {
      if (answered.exits[unit] >= 0) {
        int number = unit;
        exact.close(
            what + ": unit " + unit + " logits", v -> v.logits(number), answered.logits[unit]);
      }
    }
  }

  /** Fails unless two rows are no further apart than two may be that are both right. */
  public void apart(String what, float[] expected, float[] actual) {
    double[] row = new double[expected.length];
    for (int i = 0; i < row.length; i++) {
      row[i] = expected[i];
    }
    close(what, row, actual, 2 * tolerance.of(row));
  }

  /** Fails unless a row is within the tolerance of the expected one. */
  public void close(String what, double[] expected, float[] actual) {
    close(what, expected, actual, tolerance.of(expected));
  }

  private static void close(String what, double[] expected, float[] actual, double allowed) {
    if (!(Exact.distance(expected, actual) <= allowed)) {
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
