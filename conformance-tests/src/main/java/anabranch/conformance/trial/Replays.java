package anabranch.conformance.trial;

import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.space.Sequence;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs of the oracle: free ones, and ones under the decisions that were taken. Stateless. */
final class Replays {
  private Replays() {}

  /** Runs sequences together, deciding by thresholds. */
  static List<Verdict> free(
      List<Sequence> sequences, Oracle oracle, Map<String, Double> thresholds) {
    List<Oracle.Item> items = new ArrayList<>();
    for (Sequence sequence : sequences) {
      items.add(new Oracle.Item(sequence.memory(), sequence.events(), Decisions.by(thresholds)));
    }
    return oracle.run(items);
  }

  /**
   * Runs sequences together under the decisions of their answers.
   *
   * @param thresholds what the oracle's own decisions follow
   */
  static List<Verdict> of(
      Cut cut,
      List<Sequence> sequences,
      List<Answered> answers,
      Oracle oracle,
      Map<String, Double> thresholds) {
    List<Oracle.Item> items = new ArrayList<>();
    for (int n = 0; n < sequences.size(); n++) {
      Sequence sequence = sequences.get(n);
      items.add(
          new Oracle.Item(
              sequence.memory(), sequence.events(), decisions(cut, answers.get(n), thresholds)));
    }
    return oracle.run(items);
  }

  private static Decisions decisions(Cut cut, Answered answered, Map<String, Double> thresholds) {
    Map<String, List<Integer>> halts = new HashMap<>();
    Map<String, List<Integer>> labels = new HashMap<>();
    Map<String, List<Integer>> kept = new HashMap<>();
    Map<String, List<Integer>> halves = new HashMap<>();
    Map<String, Integer> times = new HashMap<>();
    for (Step step : cut.steps()) {
      Point point = step.stage().point();
      if (point instanceof Point.AtHalt at) {
        int time = times.merge(at.halt().id(), 1, Integer::sum) - 1;
        int units = answered.halted[step.index()].length;
        List<Integer> out =
            halts.computeIfAbsent(at.halt().id(), id -> new ArrayList<>(unset(units)));
        for (int unit = 0; unit < units; unit++) {
          if (answered.halted[step.index()][unit]) {
            out.set(unit, time);
          }
        }
      } else if (point instanceof Point.AtChoice at) {
        labels.put(at.choice().id(), Arrays.stream(answered.labels[step.index()]).boxed().toList());
      } else if (point instanceof Point.AtPrune at) {
        kept.put(at.prune().id(), answered.kept.getOrDefault(step.index(), List.of()));
        List<Integer> half = answered.half(step);
        if (!half.isEmpty()) {
          halves.put(at.prune().id(), half);
        }
      }
    }
    Map<String, Map<Integer, List<Integer>>> experts = new HashMap<>();
    answered.experts.forEach((name, rows) -> experts.put(name, taken(rows)));
    Integer encoderExit = answered.memoryExit < 0 ? null : answered.memoryExit;
    return new Decisions(
        thresholds, answered.exits(), encoderExit, halts, labels, kept, halves, experts);
  }

  private static List<Integer> unset(int units) {
    Integer[] never = new Integer[units];
    Arrays.fill(never, -1);
    return Arrays.asList(never);
  }

  private static Map<Integer, List<Integer>> taken(int[][] rows) {
    Map<Integer, List<Integer>> all = new HashMap<>();
    for (int row = 0; row < rows.length; row++) {
      List<Integer> taken = members(rows[row]);
      all.put(row, taken.isEmpty() ? List.of(-1) : taken);
    }
    return all;
  }

  /** Returns what a row took, without the places that are not used. */
  static List<Integer> members(int[] row) {
    return Arrays.stream(row).filter(expert -> expert != -1).boxed().toList();
  }
}
