package anabranch.conformance.golden.recorded;

import anabranch.backend.Trace;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.engine.Inference;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a run said of one sequence. A unit is a row by position, or an event by number where heads
 * pool.
 *
 * @param logits of each unit
 * @param exits the step behind which each unit left
 * @param scores with which each unit left; NaN for none
 * @param taken by run of a router and row, the members it took in the order of its choice, {@code
 *     -2 - e} for one without room; empty where it was not asked or took none
 */
public record Outcome(
    List<double[]> logits,
    List<Integer> exits,
    List<Double> scores,
    Map<String, List<List<Integer>>> taken) {

  static Outcome of(Sequence sequence, Verdict verdict) {
    Outcome outcome = empty();
    for (int unit = 0; unit < verdict.units(); unit++) {
      outcome.logits.add(verdict.logits(unit));
      outcome.exits.add(verdict.exit(unit));
      outcome.scores.add(verdict.score(verdict.exit(unit), unit));
    }
    int memory = sequence.memory() == null ? 0 : sequence.memory().rows();
    for (String router : verdict.routers()) {
      int size = router.startsWith("encoder.") ? memory : verdict.rows();
      List<List<Integer>> rows = new ArrayList<>();
      for (int row = 0; row < size; row++) {
        Choice choice = verdict.choice(router, row);
        rows.add(choice == null ? List.of() : members(choice.taken()));
      }
      outcome.taken.put(router, rows);
    }
    return outcome;
  }

  static Outcome of(Answered answered) {
    Outcome outcome = empty();
    for (int unit = 0; unit < answered.exits.length; unit++) {
      outcome.logits.add(doubles(FloatBuffer.wrap(answered.logits[unit])));
      int step = answered.exits[unit];
      outcome.exits.add(step);
      outcome.scores.add(step < 0 ? Double.NaN : answered.scores[step][unit]);
    }
    answered.experts.forEach(
        (router, rows) -> {
          List<List<Integer>> all = new ArrayList<>();
          for (int[] row : rows) {
            all.add(members(Arrays.stream(row).boxed().toList()));
          }
          outcome.taken.put(router, all);
        });
    return outcome;
  }

  static Outcome of(Inference inference) {
    Outcome outcome = empty();
    for (int unit = 0; unit < inference.units(); unit++) {
      outcome.logits.add(doubles(inference.logits(unit)));
      outcome.exits.add(inference.exit(unit));
      outcome.scores.add((double) inference.score(unit));
    }
    for (Trace.Choices choices : inference.choices()) {
      List<List<Integer>> all = new ArrayList<>();
      for (int at = 0; at < choices.experts().limit(); at += choices.k()) {
        List<Integer> row = new ArrayList<>();
        for (int i = 0; i < choices.k(); i++) {
          row.add(choices.experts().get(at + i));
        }
        all.add(members(row));
      }
      outcome.taken.put(choices.path(), all);
    }
    return outcome;
  }

  private static Outcome empty() {
    return new Outcome(
        new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new LinkedHashMap<>());
  }

  private static List<Integer> members(List<Integer> row) {
    return row.stream().filter(member -> member != -1).toList();
  }

  private static double[] doubles(FloatBuffer values) {
    double[] wide = new double[values.remaining()];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values.get(i);
    }
    return wide;
  }

  /** Returns the class of a unit with the largest logit, the lowest index among equals. */
  public int label(int unit) {
    double[] values = logits.get(unit);
    int best = 0;
    for (int c = 1; c < values.length; c++) {
      best = values[c] > values[best] ? c : best;
    }
    return best;
  }
}
