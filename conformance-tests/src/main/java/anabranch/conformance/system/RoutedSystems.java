package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.odds;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.conformance.golden.Recorded;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Block;
import anabranch.model.layer.Mixture;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import java.util.List;
import java.util.function.UnaryOperator;

/** Systems that route rows to experts. Stateless. */
final class RoutedSystems {
  private static final Capacity.Size SHARE_OF_ONE =
      new Capacity.Size.Share(1, 1, Capacity.Rounding.FLOOR);
  private static final String MIXTURE = "blocks.0.mixture";

  private RoutedSystems() {}

  static List<PublishedSystem> all() {
    return List.of(
        switchTransformer().recordedAs(Recorded.SWITCH_TRANSFORMERS), stMoe(), expertChoice());
  }

  private static Plan mixture(int experts, Router router) {
    return Plan.of(Block.of(bare("mixture", new Mixture(experts, unit(), router))));
  }

  /**
   * Four rows with x = 1 in place 0, whose two experts have the odds of place 1; expert e writes (e
   * + 1) x to place 2.
   */
  private static Case fourRows(Router router) {
    return Tiny.of(3, 4, mixture(2, router))
        .give(
            "embedding.tokens",
            new float[] {1, odds(0.75), 0, 1, odds(0.6), 0, 1, odds(0.9), 0, 1, odds(0.2), 0})
        .give(MIXTURE + ".router.weight", 0, 1, 0, 0, 0, 0)
        .copier(MIXTURE + ".experts.0", 0, 2, 1)
        .copier(MIXTURE + ".experts.1", 0, 2, 2)
        .with(new int[] {0, 1, 2, 3});
  }

  private static ModelSpec gated(ModelSpec spec, Gate gate) {
    return Rewrite.routers(spec, r -> r.with(gate));
  }

  private static ModelSpec limited(ModelSpec spec, Capacity capacity) {
    return Rewrite.routers(spec, r -> r.with(capacity));
  }

  private static Answered only(Subject kit, Case preset) {
    Answered[] answer = new Answered[1];
    Trial.of(kit, preset, trial -> answer[0] = full(trial).get(0));
    return answer[0];
  }

  private static List<Answered> full(Trial trial) {
    return trial.by(Policy.fullDepth()).run(trial.subject.sequences());
  }

  private static Case with(Case preset, UnaryOperator<ModelSpec> change) {
    return new Case(
        preset.name(), change.apply(preset.spec()), preset.weights(), preset.sequences());
  }

  private static PublishedSystem switchTransformer() {
    Capacity byPosition =
        new Capacity.Limited(SHARE_OF_ONE, Capacity.Population.ITEM, Capacity.Priority.POSITION);
    Capacity byGate =
        new Capacity.Limited(SHARE_OF_ONE, Capacity.Population.ITEM, Capacity.Priority.GATE);
    return new PublishedSystem(
        "A00",
        "Switch Transformer",
        "Fedus et al. 2021",
        List.of("hand-computed vector", "executed rows"),
        List.of(),
        fourRows(Routers.switchTop1(byPosition)),
        "router.gate",
        spec -> gated(spec, Gate.normalisedScore()),
        (kit, preset) -> {
          Trial.of(
              kit,
              preset,
              trial -> {
                Walk walk = trial.by(Policy.fullDepth());
                Answered answer = walk.run(trial.subject.sequences()).get(0);
                expect(trial, "by position", answer, 2, .75, .60, 0, 1.60);
                assertArrayEquals(new long[] {2, 1}, walk.ran().get(MIXTURE), "executed rows");
                assertEquals(-2, answer.experts.get(MIXTURE)[2][0], "the dropped choice of row 2");
              });
          Trial.of(
              kit,
              with(preset, spec -> limited(spec, byGate)),
              trial -> expect(trial, "by gate", full(trial).get(0), 2, .75, 0, .90, 1.60));
          Trial.of(
              kit,
              with(preset, spec -> limited(spec, new Capacity.Unlimited())),
              trial -> expect(trial, "dropless", full(trial).get(0), 2, .75, .60, .90, 1.60));
        });
  }

  private static PublishedSystem stMoe() {
    Capacity one =
        new Capacity.Limited(
            new Capacity.Size.Fixed(1),
            Capacity.Population.ITEM,
            Capacity.Priority.RANK_THEN_POSITION);
    float[] p0 = {(float) Math.log(.5), (float) Math.log(.3), (float) Math.log(.2)};
    float[] p1 = {(float) Math.log(.2), (float) Math.log(.5), (float) Math.log(.3)};
    Case preset =
        Tiny.of(5, 2, mixture(3, Routers.stMoe(null, one)))
            .give("embedding.tokens", 1, p0[0], p0[1], p0[2], 0, 1, p1[0], p1[1], p1[2], 0)
            .give(MIXTURE + ".router.weight", 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0)
            .copier(MIXTURE + ".experts.0", 0, 4, 1)
            .copier(MIXTURE + ".experts.1", 0, 4, 2)
            .copier(MIXTURE + ".experts.2", 0, 4, 3)
            .with(new int[] {0, 1});
    return new PublishedSystem(
        "A01",
        "ST-MoE",
        "Zoph et al. 2022",
        List.of("hand-computed vector", "seeded choice repeats"),
        List.of("how often a block is sparse", "whether a dense network stands beside it"),
        preset,
        "router.gate.normalise.afterDrop",
        spec -> gated(spec, new Gate(Gate.Of.SCORE, new Gate.Normalise(1e-9, true), 1)),
        (kit, given) -> {
          // Expert 1 is full: the first choice of row 1 comes before the second choice of row 0.
          Trial.of(
              kit,
              given,
              trial -> expect(trial, "one place", full(trial).get(0), 4, .625, 1.25 + 1.125));
          Trial.of(
              kit,
              with(given, spec -> limited(spec, new Capacity.Unlimited())),
              trial -> expect(trial, "dropless", full(trial).get(0), 4, 1.375, 2.375));
          secondChoices(kit, given);
        });
  }

  private static void secondChoices(Subject kit, Case given) {
    Case strict = with(given, spec -> secondary(spec, 0.4, null));
    Trial.of(kit, strict, trial -> expect(trial, "above .4", full(trial).get(0), 4, .625, 1.25));
    Case low = with(given, spec -> secondary(spec, 0.35, null));
    Trial.of(kit, low, trial -> expect(trial, "above .35", full(trial).get(0), 4, 1.375, 2.375));
    Case random = with(given, spec -> secondary(spec, 0.75, 7L));
    Answered once = only(kit, random);
    Trial.of(
        kit,
        random,
        trial -> {
          Answered again = full(trial).get(0);
          int[][] drawn = once.experts.get(MIXTURE);
          assertArrayEquals(drawn, again.experts.get(MIXTURE), "the same seed and key, run twice");
          trial.agree("run twice", List.of(once), List.of(again));
        });
  }

  private static ModelSpec secondary(ModelSpec spec, double threshold, Long seed) {
    return Rewrite.routers(
        spec,
        r ->
            r.with(
                    new anabranch.model.route.Selection.TopK(
                        2, new anabranch.model.route.Selection.Secondary(threshold, seed)))
                .with(new Capacity.Unlimited()));
  }

  private static PublishedSystem expertChoice() {
    Case preset = fourRows(Routers.expertChoice(SHARE_OF_ONE));
    return new PublishedSystem(
        "A10",
        "Expert choice",
        "Zhou et al. 2022",
        List.of("hand-computed vector", "executed rows", "refusal in a causal model"),
        List.of(),
        preset,
        "router.gate.of",
        spec -> gated(spec, new Gate(Gate.Of.ONE, null, 1)),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                Walk walk = trial.by(Policy.fullDepth());
                Answered answer = walk.run(trial.subject.sequences()).get(0);
                expect(trial, "two rows for each", answer, 2, .75, .80, .90, 1.60);
                assertArrayEquals(new long[] {2, 2}, walk.ran().get(MIXTURE), "executed rows");
              });
          Case half =
              with(
                  given,
                  spec -> chosen(spec, new Capacity.Size.Share(.5, 0, Capacity.Rounding.FLOOR)));
          Trial.of(
              kit, half, trial -> expect(trial, "one row", full(trial).get(0), 2, 0, 0, .90, 1.60));
          Refusals.laterRows(kit, given.spec());
        });
  }

  private static ModelSpec chosen(ModelSpec spec, Capacity.Size rows) {
    return Rewrite.routers(
        spec, r -> r.with(new anabranch.model.route.Selection.ExpertChoice(rows)));
  }
}
