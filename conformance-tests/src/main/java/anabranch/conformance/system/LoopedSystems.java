package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.json.Descriptions;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import java.util.ArrayList;
import java.util.List;

/** Systems that repeat blocks, or pass over halves of them. Stateless. */
final class LoopedSystems {
  private LoopedSystems() {}

  static List<PublishedSystem> all() {
    return List.of(dynamicDepth(), brainformer(), loopedTransformer(), loopedComputer());
  }

  /** A layer of attention that reads means, then a network that adds max(x, 0), each gated. */
  private static PublishedSystem dynamicDepth() {
    Router gate = anabranch.model.route.Routers.utteranceGate(0.5);
    Skip attention = new Skip(gate, Attention.full(1, 1), Bypass.MASK);
    Skip network = new Skip(gate, unit(), Bypass.MASK);
    Tiny tiny =
        Tiny.of(1, 4, Plan.of(Block.of(bare("attend", attention), bare("feed", network))))
            .give("embedding.tokens", 1, -1, 3, -5)
            .give("blocks.0.attend.router.weight", 1)
            .give("blocks.0.attend.router.bias", -1)
            .give("blocks.0.feed.router.weight", -1)
            .give("blocks.0.feed.router.bias", 5)
            .copier("blocks.0.feed.feedForward", 0, 0, 1);
    Case preset =
        ScalarModel.mean(tiny, "blocks.0.attend.attention")
            .with(new int[] {0, 2}, new int[] {0, 1}, new int[] {2, 2});
    return new PublishedSystem(
        "A21",
        "I3D, input-dependent dynamic depth",
        "Peng et al. 2023",
        List.of("hand-computed vector", "executed rows"),
        List.of("how a layer's input is pooled, and the shape of the predictor"),
        preset,
        "skip.router.selection.bound",
        spec -> Rewrite.routers(spec, r -> r.with(new Selection.Threshold(0.9, true))),
        (kit, given) ->
            Trial.of(
                kit,
                given,
                trial -> {
                  Walk walk = trial.by(Policy.fullDepth());
                  List<Answered> answers = walk.run(given.sequences());
                  // Mean 2 attends, then mean 4 feeds; mean 0 only feeds; mean 3 attends, 6 stays.
                  expect(trial, "both", answers.get(0), 0, 6, 10);
                  expect(trial, "the network alone", answers.get(1), 0, 2, -1);
                  expect(trial, "attention alone", answers.get(2), 0, 6, 6);
                  assertArrayEquals(new long[] {4}, walk.ran().get("blocks.0.attend"), "attended");
                  assertArrayEquals(new long[] {4}, walk.ran().get("blocks.0.feed"), "fed");
                }));
  }

  /**
   * Two blocks of sparse, dense, attention, sparse, dense, all of them on x in place 0, of several
   * widths; the two experts have the odds of place 1, and expert e of the first sparse one adds
   * {@code (e + 1) x / 2}, of the second {@code (e + 1) x}, times the number of the block.
   */
  private static PublishedSystem brainformer() {
    Router top = anabranch.model.route.Routers.switchTop1();
    Block block =
        Block.of(
            bare("sparse1", new Mixture(2, unit(), top)),
            bare("dense1", FeedForward.plain(2, Activation.RELU)),
            bare("mixer", Attention.causal(1, 1)),
            bare("sparse2", new Mixture(2, FeedForward.plain(3, Activation.RELU), top)),
            bare("dense2", unit()));
    double[] shares = {0.75, 0.4, 0.9};
    double[] start = {1, 2, -1};
    Tiny tiny = Tiny.of(2, 3, Plan.of(block, block));
    float[] table = new float[6];
    for (int row = 0; row < 3; row++) {
      table[2 * row] = (float) start[row];
      table[2 * row + 1] = Tiny.odds(shares[row]);
    }
    tiny.give("embedding.tokens", table);
    for (int b = 0; b < 2; b++) {
      String path = "blocks." + b + ".";
      tiny.give(path + "sparse1.router.weight", 0, 1, 0, 0)
          .give(path + "sparse2.router.weight", 0, 1, 0, 0)
          .give(path + "dense1.up.weight", 1, 0, -1, 0)
          .give(path + "dense1.down.weight", 0.25f, -0.5f, 0, 0)
          .give(path + "mixer.v.weight", 1, 0)
          .give(path + "mixer.o.weight", 1, 0)
          .copier(path + "dense2", 0, 0, -0.125f);
      for (int e = 0; e < 2; e++) {
        tiny.copier(path + "sparse1.experts." + e, 0, 0, (b + 1) * (e + 1) * 0.5f)
            .give(path + "sparse2.experts." + e + ".up.weight", 1, 0, 0.5f, 0, -1, 0)
            .give(
                path + "sparse2.experts." + e + ".down.weight",
                0,
                (b + 1) * (e + 1) * 2,
                0,
                0,
                0,
                0);
      }
    }
    return new PublishedSystem(
        "A26",
        "Brainformer",
        "Zhou et al. 2023",
        List.of("computed directly with single numbers", "a round trip through JSON"),
        List.of("how a sparse layer routes: top-k, or the choice of experts"),
        tiny.with(new int[] {0, 1, 2}),
        "block.sublayers",
        LoopedSystems::attentionFirst,
        (kit, given) -> {
          String text = Descriptions.text(given.spec());
          assertEquals(given.spec(), Descriptions.model(text), "what JSON says");
          Trial.of(
              kit,
              given,
              trial -> {
                double[] exact = heterogeneous(start, shares);
                Policy full = Policy.fullDepth();
                expect(trial, "at once", trial.by(full).run(given.sequences()).get(0), 0, exact);
                Answered stepped = trial.by(full).inSteps(1).run(given.sequences()).get(0);
                expect(trial, "row by row", stepped, 0, exact);
              });
        });
  }

  private static double[] heterogeneous(double[] start, double[] shares) {
    double[] x = start.clone();
    for (int b = 1; b <= 2; b++) {
      for (int row = 0; row < x.length; row++) {
        x[row] += b * sparse(shares[row]) * 0.5 * Math.max(x[row], 0);
        x[row] += 0.25 * Math.max(x[row], 0) - 0.5 * Math.max(-x[row], 0);
      }
      x = ScalarModel.attention(x, new int[] {1, 1, 1}, 1, Bypass.FREEZE_PROJECT);
      for (int row = 0; row < x.length; row++) {
        x[row] += b * sparse(shares[row]) * Math.max(x[row], 0);
        x[row] -= 0.125 * Math.max(x[row], 0);
      }
    }
    return x;
  }

  /** Returns the number of the better expert, from 1, times its share. */
  private static double sparse(double share) {
    return share >= 0.5 ? share : 2 * (1 - share);
  }

  private static ModelSpec attentionFirst(ModelSpec spec) {
    List<Block> blocks = new ArrayList<>();
    for (Block block : spec.plan().blocks()) {
      List<Sublayer> order = new ArrayList<>(block.sublayers());
      order.add(0, order.remove(2));
      blocks.add(new Block(order));
    }
    return spec.withPlan(Plan.of(blocks));
  }

  private static PublishedSystem loopedTransformer() {
    Plan.Builder plan = Plan.builder();
    Block block = Block.of(bare("mixer", Attention.causal(1, 1)));
    int body = plan.store(block);
    plan.add(block).add(new Loop(List.of(new Part.Run(body)), 3, null)).add(block);
    Tiny tiny = Tiny.of(1, 3, plan.build()).give("embedding.tokens", 1, 2, -4);
    for (int b = 0; b < 3; b++) {
      ScalarModel.mean(tiny, "blocks." + b + ".mixer");
    }
    Case preset = tiny.with(new int[] {0, 1, 2, 1});
    double[] exact =
        ScalarModel.attention(
            new double[] {1, 2, -4, 2}, new int[] {5, 5, 5, 5}, 5, Bypass.FREEZE_PROJECT);
    return new PublishedSystem(
        "A30",
        "AlgoFormer, looped transformer",
        "Gao et al. 2024",
        List.of(
            "computed directly with single numbers", "stored parameters", "steps equal one call"),
        List.of(),
        preset,
        "loop.times",
        spec ->
            Rewrite.parts(
                spec,
                part ->
                    part instanceof Loop loop
                        ? new Loop(loop.body(), loop.times() - 1, loop.until())
                        : part),
        (kit, given) -> {
          long attentions =
              given.spec().parameters().stream().filter(p -> p.name().contains(".q.")).count();
          assertEquals(3, attentions, "attentions that are stored");
          Trial.of(
              kit,
              given,
              trial -> {
                Policy full = Policy.fullDepth();
                Answered once = trial.by(full).run(given.sequences()).get(0);
                expect(trial, "five layers", once, 0, exact);
                Answered stepped = trial.by(full).inSteps(1).run(given.sequences()).get(0);
                expect(trial, "row by row", stepped, 0, exact);
              });
        });
  }

  /** Each time subtracts one; a row is out when it is below one half. */
  private static PublishedSystem loopedComputer() {
    FeedForward less = new FeedForward(1, Activation.RELU, false, true);
    Plan.Builder plan = Plan.builder();
    int body = plan.store(Block.of(bare("less", less)));
    Loop.Halt halt = new Loop.Halt("zero", Head.Pool.EACH, Criterion.learned(), Bypass.TERMINATE);
    plan.add(Block.of(bare("nothing", unit()))).add(new Loop(List.of(new Part.Run(body)), 5, halt));
    Case preset =
        Tiny.of(1, 5, plan.build())
            .give("embedding.tokens", 3, 1, 5, 2, 9)
            .give("blocks.0.less.down.bias", -1)
            .give("halts.zero.score.weight", -1)
            .give("halts.zero.score.bias", 0.5f)
            .with(new int[] {0, 1, 2, 3, 4});
    return new PublishedSystem(
        "A31",
        "Looped transformers as programmable computers",
        "Giannou et al. 2023",
        List.of("hand-computed vector", "the bound on times"),
        List.of("the instruction set; here one instruction, decrement and stop at zero"),
        preset,
        "loop.times",
        spec ->
            Rewrite.parts(
                spec,
                part -> part instanceof Loop loop ? new Loop(loop.body(), 2, loop.until()) : part),
        (kit, given) -> stopsAtZero(kit, given));
  }

  private static void stopsAtZero(Subject kit, Case given) {
    Trial.of(
        kit,
        given,
        trial -> {
          Policy stop = Policy.named("stop").with("zero", 0.5);
          Answered answer = trial.by(stop).run(given.sequences()).get(0);
          expect(trial, "what is left", answer, 0, 0, 0, 0, 0, 4);
          int[] times = new int[5];
          for (boolean[] step : answer.halted) {
            for (int row = 0; row < 5; row++) {
              times[row] += step[row] ? 1 : 0;
            }
          }
          assertArrayEquals(new int[] {1, 1, 1, 1, 0}, times, "rows that stopped by themselves");
          assertTrue(answer.halted[1][1] && answer.halted[3][0], "each at its own time");
          Answered never = trial.by(Policy.fullDepth()).run(given.sequences()).get(0);
          expect(trial, "all five times", never, 0, -2, -4, 0, -3, 4);
        });
  }
}
