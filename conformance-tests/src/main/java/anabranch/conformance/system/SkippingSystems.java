package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.SequenceState;
import anabranch.conformance.golden.Recorded;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Skip;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.ArrayList;
import java.util.List;

/** Systems in which a row, or a sequence, passes over an operation. Stateless. */
final class SkippingSystems {
  private static final String SKIP = "blocks.0.skip";

  private SkippingSystems() {}

  static List<PublishedSystem> all() {
    return List.of(
        mindSkip().recordedAs(Recorded.MINDSKIP_LLAMA),
        mixtureOfDepths(),
        skipMiddle().recordedAs(Recorded.SKIP_MIDDLE),
        adaptiveComputation().recordedAs(Recorded.ACM_MLP));
  }

  /** Attention that reads means, skipped by a sequence whose mean is negative. */
  private static Tiny skipped(double threshold) {
    Skip skip = new Skip(Routers.mindSkip(threshold), Attention.causal(1, 1), Bypass.MASK);
    Tiny tiny =
        Tiny.of(1, 4, Plan.of(Block.of(bare("skip", skip))))
            .give("embedding.tokens", 1, -1, 3, -5)
            .give(SKIP + ".router.weight", 1);
    return ScalarModel.mean(tiny, SKIP + ".attention");
  }

  private static Event at(int position, int... tokens) {
    return Event.ofTokens(tokens).at(position);
  }

  private static PublishedSystem mindSkip() {
    Sequence runs = new Sequence(null, List.of(at(0, 0, 2), at(2, 3), at(3, 3, 1)));
    Sequence skips = new Sequence(null, List.of(at(0, 1, 3), at(2, 2), at(3, 2, 2)));
    Case preset = skipped(0.5).with(List.of(runs, skips));
    return new PublishedSystem(
        "A17",
        "MindSkip",
        "He et al. 2024",
        List.of("hand-computed vector", "bytes of the state", "properties"),
        List.of(),
        preset,
        "skip.router.source",
        spec -> read(spec, Source.EVENT_MEAN),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                List<Answered> answers = trial.by(Policy.fullDepth()).run(given.sequences());
                double[] exact = {2, 5, -5 - 1 / 3.0, -6.5, -1 - 7 / 5.0};
                expect(trial, "decided to run", answers.get(0), 0, exact);
                expect(trial, "decided to skip", answers.get(1), 0, -1, -5, 3, 3, 3);
                for (int n = 0; n < 2; n++) {
                  Answered alone =
                      trial
                          .by(Policy.fullDepth())
                          .travellingAsImages()
                          .run(given.sequences().subList(n, n + 1))
                          .get(0);
                  if (trial.batchInvariant()) {
                    assertEquals(answers.get(n).bits(), alone.bits(), "alone and restored");
                  }
                }
                long[] bytes = bytes(trial);
                assertTrue(bytes[1] < bytes[0], "bytes of skipped attention: " + bytes[1]);
              });
          thresholds(kit);
        });
  }

  /** At 0 attention runs for all, above 1 for none. */
  private static void thresholds(Subject kit) {
    int[] tokens = {1, 3, 2};
    Case always = skipped(0).with(tokens);
    Trial.of(
        kit,
        always,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(always.sequences()).get(0);
          expect(trial, "threshold 0", answer, 0, -2, -8, 2);
        });
    Case never = skipped(1.5).with(tokens);
    Trial.of(
        kit,
        never,
        trial -> {
          Walk walk = trial.by(Policy.fullDepth());
          expect(trial, "above 1", walk.run(never.sequences()).get(0), 0, -1, -5, 3);
          assertArrayEquals(new long[] {0}, walk.ran().get(SKIP), "rows that ran");
        });
  }

  private static long[] bytes(Trial trial) {
    long[] bytes = new long[2];
    for (int n = 0; n < 2; n++) {
      int sequence = n;
      trial
          .by(Policy.fullDepth())
          .replacing(
              (model, state) -> {
                bytes[sequence] = Math.max(bytes[sequence], pages(state));
                return state;
              })
          .run(trial.subject.sequences().subList(n, n + 1));
    }
    return bytes;
  }

  private static long pages(SequenceState state) {
    return state.image(0).bytes();
  }

  private static ModelSpec read(ModelSpec spec, Source source) {
    return Rewrite.routers(spec, r -> r.with(source, r.logits()));
  }

  /**
   * Four layers of an attention that writes the mean of place 4 to place 3, and a network that adds
   * 1, 10, 100 and 1000 to place 0 by place 2. Routers read place 1: of token 0 they add 0.4 and
   * 0.7, which gives gates 0.6, 0, 0, 0.6; of token 1 nothing.
   */
  private static PublishedSystem skipMiddle() {
    Router first = Routers.skipMiddle("first", null);
    Router second = Routers.skipMiddle("second", "first");
    Router[] leading = {
      first, second, Routers.skipMiddleAgain("second"), Routers.skipMiddleAgain("first")
    };
    List<Block> blocks = new ArrayList<>();
    for (int layer = 0; layer < 4; layer++) {
      String name = layer == 0 || layer == 3 ? "first" : "second";
      Attention attention = Attention.causal(1, 1);
      blocks.add(
          Block.of(
              bare("attention", new Skip(leading[layer], attention, Bypass.MASK)),
              bare("network", new Skip(Routers.skipMiddleAgain(name), unit(), Bypass.MASK))));
    }
    Tiny tiny =
        Tiny.of(5, 2, Plan.of(blocks))
            .give("embedding.tokens", 0, 1, 1, 0, 2, 0, 0, 1, 0, 6)
            .give("blocks.0.attention.router.weight", 0, .4f, 0, 0, 0)
            .give("blocks.1.attention.router.weight", 0, .7f, 0, 0, 0);
    for (int layer = 0; layer < 4; layer++) {
      String path = "blocks." + layer;
      tiny.give(path + ".attention.attention.v.weight", 0, 0, 0, 0, 1)
          .give(path + ".attention.attention.o.weight", 0, 0, 0, 1, 0)
          .copier(path + ".network.feedForward", 2, 0, (float) Math.pow(10, layer));
    }
    Case preset = tiny.with(new int[] {0, 1, 0});
    return new PublishedSystem(
        "A19",
        "Skipping the middle layers",
        "Lawson and Aitchison 2025",
        List.of("hand-computed vector", "rows that ran"),
        List.of("keys of gates between 0 and 1 count in full, as in the published code"),
        preset,
        "router.logits.from",
        spec ->
            Rewrite.routers(
                spec,
                r ->
                    r.equals(second)
                        ? r.with(Source.HIDDEN, new Logits.Accumulated("second", null, true))
                        : r),
        (kit, given) ->
            Trial.of(
                kit,
                given,
                trial -> {
                  Walk walk = trial.by(Policy.fullDepth());
                  Answered answer = walk.run(given.sequences()).get(0);
                  expect(trial, "networks", answer, 0, 600.6, 1111, 600.6);
                  // Where token 0 does not run, token 1 reads its own 6 alone.
                  expect(trial, "attention", answer, 3, 2.4, 4 + 6 + 6 + 4, 4);
                  for (int layer = 0; layer < 4; layer++) {
                    long runs = layer == 0 || layer == 3 ? 3 : 1;
                    for (String name : List.of("attention", "network")) {
                      assertArrayEquals(
                          new long[] {runs}, walk.ran().get("blocks." + layer + "." + name), name);
                    }
                  }
                }));
  }

  private static PublishedSystem mixtureOfDepths() {
    Capacity.Size quarter = new Capacity.Size.Share(.25, 0, Capacity.Rounding.FLOOR);
    Case preset = depths(Routers.mixtureOfDepths(quarter));
    return new PublishedSystem(
        "A18",
        "Mixture-of-Depths",
        "Raposo et al. 2024",
        List.of("hand-computed vector", "executed rows", "refusal in a causal model"),
        List.of("that the weight is the raw logit", "which blocks and which share"),
        preset,
        "skip.router.gate.of",
        spec -> Rewrite.routers(spec, r -> r.with(new Gate(Gate.Of.ONE, null, 1))),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                Walk walk = trial.by(Policy.fullDepth());
                Answered answer = walk.run(given.sequences()).get(0);
                expect(trial, "a quarter", answer, 0, 1, 2.5, 1, 1, 1, 3, 1, 1);
                assertArrayEquals(new long[] {2}, walk.ran().get(SKIP), "rows that ran");
              });
          Case causal = depths(Routers.mixtureOfDepthsCausal());
          Trial.of(
              kit,
              causal,
              trial -> {
                Walk walk = trial.by(Policy.fullDepth()).inSteps(1);
                Answered answer = walk.run(causal.sequences()).get(0);
                expect(trial, "logits above 0", answer, 0, 1, 2.5, 1, 1.5, 1, 3, 1, 1.25);
              });
          attending(kit, quarter);
          Refusals.laterRows(kit, given.spec());
        });
  }

  /** Eight rows with x = 1 in place 0 and a logit in place 1; the block adds x to place 0. */
  private static Case depths(Router router) {
    Skip skip = new Skip(router, Chain.of(bare("feedForward", unit())), Bypass.MASK);
    float[] logits = {-1, 1.5f, 0, 0.5f, -0.5f, 2, -2, 0.25f};
    float[] table = new float[2 * logits.length];
    for (int i = 0; i < logits.length; i++) {
      table[2 * i] = 1;
      table[2 * i + 1] = logits[i];
    }
    return Tiny.of(2, 8, Plan.of(Block.of(bare("skip", skip))))
        .give("embedding.tokens", table)
        .give(SKIP + ".router.weight", 0, 1)
        .copier(SKIP + ".feedForward", 0, 0, 1)
        .with(new int[] {0, 1, 2, 3, 4, 5, 6, 7});
  }

  /** The rows that run attend to each other alone. */
  private static void attending(Subject kit, Capacity.Size quarter) {
    Skip skip =
        new Skip(
            Routers.mixtureOfDepths(quarter),
            Chain.of(bare("attention", Attention.causal(1, 1))),
            Bypass.MASK);
    Tiny tiny =
        Tiny.of(1, 8, Plan.of(Block.of(bare("skip", skip))))
            .give("embedding.tokens", -1, 1.5f, 0, 0.5f, -0.5f, 2, -2, 0.25f)
            .give(SKIP + ".router.weight", 1);
    Case among =
        ScalarModel.mean(tiny, SKIP + ".attention").with(new int[] {0, 1, 2, 3, 4, 5, 6, 7});
    Trial.of(
        kit,
        among,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(among.sequences()).get(0);
          double second = 2 + 2 * (1.5 + 2) / 2;
          expect(trial, "among them", answer, 0, -1, 1.5 + 1.5 * 1.5, 0, .5, -.5, second, -2, .25);
        });
  }

  private static PublishedSystem adaptiveComputation() {
    int learners = 4;
    Mixture module = new Mixture(learners, unit(), Routers.adaptiveComputation(false), true);
    int width = learners + 3;
    float[] table = new float[(learners + 1) * width];
    float[] router = new float[(learners + 1) * width];
    for (int k = 0; k <= learners; k++) {
      table[k * width] = 1;
      table[k * width + 1 + k] = 1;
      router[k * width + 1 + k] = 1;
    }
    float[] constant = new float[width];
    constant[width - 1] = 0.5f;
    String path = "blocks.0.mixture";
    Tiny tiny =
        Tiny.of(width, learners + 1, Plan.of(Block.of(bare("mixture", module))))
            .give("embedding.tokens", table)
            .give(path + ".router.weight", router)
            .give(path + ".constant", constant);
    for (int e = 0; e < learners; e++) {
      tiny.copier(path + ".experts." + e, 0, width - 1, 1 << e);
    }
    int[] tokens = {4, 0, 2, 4, 1, 3};
    Case preset = tiny.with(tokens, new int[] {2, 1}, new int[] {4});
    return new PublishedSystem(
        "A23",
        "Adaptive Computation Modules",
        "Wojcik et al. 2024",
        List.of("hand-computed vector", "executed rows"),
        List.of(),
        preset,
        "router.selection.least",
        spec -> Rewrite.routers(spec, r -> r.with(new Selection.Prefix(1))),
        (kit, given) ->
            Trial.of(
                kit,
                given,
                trial -> {
                  Walk walk = trial.by(Policy.fullDepth());
                  List<Answered> answers = walk.run(given.sequences());
                  for (int n = 0; n < answers.size(); n++) {
                    Event event = given.sequences().get(n).events().get(0);
                    double[] exact = new double[event.rows()];
                    for (int row = 0; row < exact.length; row++) {
                      int choice = event.token(row);
                      // The token's own mark stands in place 1 + choice, never in the last one.
                      exact[row] = 0.5 + (1 << choice) - 1;
                    }
                    expect(trial, "prefix sums", answers.get(n), width - 1, exact);
                  }
                  assertArrayEquals(
                      new long[] {8, 6, 4, 3}, walk.ran().get(path), "rows of each learner");
                  List<Double> mean = new ArrayList<>();
                  for (Answered answer : answers) {
                    for (int[] row : answer.experts.get(path)) {
                      mean.add((double) java.util.Arrays.stream(row).filter(e -> e >= 0).count());
                    }
                  }
                  double budget = mean.stream().mapToDouble(k -> k).average().orElseThrow();
                  assertEquals(21 / 9.0, budget, 1e-9, "mean number of learners");
                }));
  }
}
