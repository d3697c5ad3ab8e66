package anabranch.conformance.trial;

import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.space.Case;
import anabranch.engine.Policy;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.plan.Criterion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A policy under which about half of the units that come to a decision take it. Stateless. */
final class HalfLeave {
  private HalfLeave() {}

  static Policy of(Case subject, Oracle oracle) {
    List<Verdict> verdicts = Replays.free(subject.sequences(), oracle, Map.of());
    Policy policy = Policy.named("half");
    Map<String, List<Double>> scores = new TreeMap<>();
    for (Step step : Cut.of(subject.spec()).steps()) {
      Point point = step.stage().point();
      String id = Deciding.id(step);
      if (point instanceof Point.AtPrune) {
        policy = policy.with(id, 0.6);
      } else if (point.score() == Criterion.Score.PATIENCE) {
        policy = policy.with(id, 1);
      } else if (point.score() == Criterion.Score.CHOSEN) {
        policy = policy.with(id, 0.5);
      } else if (!id.isEmpty()) {
        List<Double> seen = scores.computeIfAbsent(id, any -> new ArrayList<>());
        verdicts.forEach(verdict -> collect(verdict, step.index(), seen));
      }
    }
    for (Map.Entry<String, List<Double>> each : scores.entrySet()) {
      List<Double> seen = each.getValue();
      seen.sort(null);
      int half = seen.size() / 2;
      if (half > 0) {
        policy = policy.with(each.getKey(), (seen.get(half - 1) + seen.get(half)) / 2);
      }
    }
    return policy;
  }

  private static void collect(Verdict verdict, int step, List<Double> into) {
    for (double score : verdict.scores(step)) {
      if (!Double.isNaN(score)) {
        into.add(score);
      }
    }
  }
}
