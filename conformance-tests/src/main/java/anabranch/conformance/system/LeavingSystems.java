package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import java.util.List;

/** Systems whose rows leave early, and what those that stay read of them. Stateless. */
final class LeavingSystems {
  private static final double[] START = {0.5, -1.25, 2, 0.75, -0.5};

  private LeavingSystems() {}

  static List<PublishedSystem> all() {
    return List.of(depthAdaptive(), dynamax());
  }

  /** Four layers of one operation, exits behind all but the last. */
  private static Tiny stack(Operation operation, Criterion criterion, Bypass bypass) {
    Plan.Builder plan = Plan.builder();
    for (int layer = 0; layer < 4; layer++) {
      plan.add(Block.of(bare("mixer", operation)));
      if (layer < 3) {
        plan.add(new Exit("exit" + layer, Tiny.head(Head.Pool.EACH, 1), criterion, bypass));
      }
    }
    float[] table = new float[START.length];
    for (int i = 0; i < table.length; i++) {
      table[i] = (float) START[i];
    }
    Tiny tiny = Tiny.of(1, table.length, plan.build()).give("embedding.tokens", table);
    for (int layer = 0; layer < 4; layer++) {
      String path = "blocks." + layer + ".mixer";
      tiny =
          operation instanceof Attention
              ? ScalarModel.mean(tiny, path)
              : ScalarModel.space(tiny, path);
    }
    for (int layer = 0; layer < 3; layer++) {
      tiny.show("exit" + layer);
      if (criterion.score() == Criterion.Score.LEARNED) {
        tiny.give("exits.exit" + layer + ".score.weight", 1);
        tiny.give("exits.exit" + layer + ".score.bias", -1);
      }
    }
    return tiny;
  }

  private static List<List<Integer>> exits(int... depths) {
    return List.of(java.util.Arrays.stream(depths).map(d -> d - 1).boxed().toList());
  }

  private static ModelSpec bypassing(ModelSpec spec, Bypass bypass) {
    return Rewrite.exits(spec, exit -> new Exit(exit.id(), exit.head(), exit.criterion(), bypass));
  }

  private static PublishedSystem depthAdaptive() {
    Case preset =
        stack(Attention.causal(1, 1), Criterion.learned(), Bypass.FREEZE_PROJECT)
            .with(new int[] {0, 1, 2, 3, 4});
    return new PublishedSystem(
        "A16",
        "Depth-Adaptive Transformer",
        "Elbayad et al. 2020",
        List.of("computed directly with single numbers", "executed layers", "properties"),
        List.of("the four halting rules and the copying of states are known from citing code only"),
        preset,
        "exit.bypass",
        spec -> bypassing(spec, Bypass.MASK),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                int[] depths = {3, 1, 2, 4, 1};
                Answered answer = trial.forced(exits(depths)).run(given.sequences()).get(0);
                double[] exact = ScalarModel.attention(START, depths, 4, Bypass.FREEZE_PROJECT);
                Tiny.expect(trial, "depths 3 1 2 4 1", answer, 0, exact);
                thresholds(trial, given);
              });
          chosenOnce(kit);
        });
  }

  /** At 1 nobody leaves, at 0 everybody does at once, at a half those whose vector is above 1. */
  private static void thresholds(Trial trial, Case given) {
    int[] full = {4, 4, 4, 4, 4};
    double[] deep = ScalarModel.attention(START, full, 4, Bypass.FREEZE_PROJECT);
    Policy never = policy(1);
    Tiny.expect(trial, "tau 1", trial.by(never).run(given.sequences()).get(0), 0, deep);
    int[] first = {1, 1, 1, 1, 1};
    double[] shallow = ScalarModel.attention(START, first, 4, Bypass.FREEZE_PROJECT);
    Answered left = trial.by(policy(0)).run(given.sequences()).get(0);
    assertArrayEquals(new int[5], left.exits, "exits at tau 0");
    Tiny.expect(trial, "tau 0", left, 0, shallow);
    Answered free = trial.by(policy(0.5)).run(given.sequences()).get(0);
    int[] depths = new int[5];
    for (int row = 0; row < 5; row++) {
      depths[row] = free.exits[row] + 1;
      for (int exit = 0; exit <= Math.min(2, free.exits[row]); exit++) {
        double score = free.scores[exit][row];
        assertEquals(exit == free.exits[row], score > 0.5, "row " + row + " at exit " + exit);
      }
    }
    double[] exact = ScalarModel.attention(START, depths, 4, Bypass.FREEZE_PROJECT);
    Tiny.expect(trial, "tau .5", free, 0, exact);
  }

  private static Policy policy(double tau) {
    return Policy.named("tau").with("exit0", tau).with("exit1", tau).with("exit2", tau);
  }

  /** The mean of an encoder's rows chooses the depth of all rows of the decoder. */
  private static void chosenOnce(Subject kit) {
    Plan.Builder plan = Plan.builder();
    plan.add(new DepthChoice("depth", DepthChoice.From.MEMORY, Head.Pool.MEAN, false));
    plan.add(Block.of(bare("mixer", Attention.causal(1, 1))));
    Head head = Tiny.head(Head.Pool.EACH, 1);
    plan.add(new Exit("exit0", head, Criterion.chosen(), Bypass.FREEZE_PROJECT));
    plan.add(Block.of(bare("mixer", Attention.causal(1, 1))));
    Input input = new Input.Tokens(START.length, 16);
    Encoder encoder =
        new Encoder(
            input, Embedding.plain(), Plan.of(Block.of(bare("feedForward", Tiny.unit()))), null);
    ModelSpec spec =
        new ModelSpec("chosen", 1, encoder, input, Embedding.plain(), plan.build(), head);
    float[] table = {0.5f, -1.25f, 2, 0.75f, -0.5f};
    Tiny tiny =
        Tiny.of(spec)
            .give("encoder.embedding.tokens", table)
            .give("embedding.tokens", table)
            .give("choices.depth.score.weight", 1, -1)
            .show("exit0");
    ScalarModel.mean(ScalarModel.mean(tiny, "blocks.0.mixer"), "blocks.1.mixer");
    Event rows = Event.ofTokens(0, 1, 2, 3, 4);
    Case both =
        tiny.with(
            List.of(
                new Sequence(Event.ofTokens(2, 1, 1), List.of(rows)),
                new Sequence(Event.ofTokens(2, 2, 1), List.of(rows))));
    Trial.of(
        kit,
        both,
        trial -> {
          Policy obey = Policy.named("obey").with("exit0", 1);
          List<Answered> answers = trial.by(obey).run(both.sequences());
          for (int n = 0; n < 2; n++) {
            int depth = n == 0 ? 2 : 1;
            int[] depths = {depth, depth, depth, depth, depth};
            double[] exact = ScalarModel.attention(START, depths, 2, Bypass.FREEZE_PROJECT);
            Tiny.expect(trial, "memory " + n, answers.get(n), 0, exact);
          }
        });
  }

  private static PublishedSystem dynamax() {
    Case preset =
        stack(Attention.causal(1, 1), Criterion.learned(), Bypass.FREEZE_SHARE_KV)
            .with(new int[] {0, 1, 2, 3, 4});
    return new PublishedSystem(
        "A22",
        "DYNAMAX",
        "Nogales et al. 2025",
        List.of("computed directly with single numbers", "properties"),
        List.of("known from citing pages only"),
        preset,
        "exit.bypass",
        spec -> bypassing(spec, Bypass.FREEZE_PROJECT),
        (kit, given) -> {
          int[] depths = {3, 1, 2, 4, 4};
          for (Bypass mode :
              List.of(
                  Bypass.FREEZE_SHARE_KV,
                  Bypass.FREEZE_PROJECT,
                  Bypass.MASK,
                  Bypass.DEFER_RECOMPUTE)) {
            boolean asGiven = mode == Bypass.FREEZE_SHARE_KV;
            ModelSpec spec = asGiven ? given.spec() : bypassing(given.spec(), mode);
            Case moded = new Case(given.name(), spec, given.weights(), given.sequences());
            double[] exact = ScalarModel.attention(START, depths, 4, mode);
            Trial.of(kit, moded, trial -> sameInSteps(trial, "attention " + mode, depths, exact));
          }
          for (Bypass mode : List.of(Bypass.FREEZE_PROJECT, Bypass.MASK, Bypass.FREEZE_SHARE_KV)) {
            Case recurs =
                stack(new Recurrence(1, 1, 1, 1), Criterion.learned(), mode)
                    .with(new int[] {0, 1, 2, 3, 4});
            double[] exact =
                ScalarModel.recurrence(START, depths, 4, mode == Bypass.FREEZE_PROJECT);
            Trial.of(kit, recurs, trial -> sameInSteps(trial, "recurrence " + mode, depths, exact));
          }
          recurrentHead(kit);
        });
  }

  private static void sameInSteps(Trial trial, String what, int[] depths, double[] exact) {
    List<Sequence> sequences = trial.subject.sequences();
    Tiny.expect(trial, what, trial.forced(exits(depths)).run(sequences).get(0), 0, exact);
    Answered stepped = trial.forced(exits(depths)).inSteps(2).run(sequences).get(0);
    Tiny.expect(trial, what + " in steps", stepped, 0, exact);
  }

  /** The state of an exit's own head advances for every row, also for those that left before. */
  private static void recurrentHead(Subject kit) {
    Plan.Builder plan = Plan.builder();
    Head plain = Tiny.head(Head.Pool.EACH, 1);
    Head own = plain.withBody(Block.of(bare("space", new Recurrence(1, 1, 1, 1))));
    Block block = Block.of(bare("mixer", Attention.causal(1, 1)));
    plan.add(block)
        .add(new Exit("exit0", plain, Criterion.learned(), Bypass.FREEZE_PROJECT))
        .add(block)
        .add(new Exit("exit1", own, Criterion.learned(), Bypass.FREEZE_PROJECT))
        .add(block);
    Tiny tiny =
        Tiny.of(1, START.length, plan.build())
            .give("embedding.tokens", 0.5f, -1.25f, 2, 0.75f, -0.5f)
            .show("exit0")
            .show("exit1");
    for (int layer = 0; layer < 3; layer++) {
      ScalarModel.mean(tiny, "blocks." + layer + ".mixer");
    }
    ScalarModel.space(tiny, "exits.exit1.space");
    Case drawn = tiny.with(new int[] {0, 1, 2, 3, 4});
    int[] depths = {1, 2, 1, 3, 2};
    double[] exact = ScalarModel.attention(START, depths, 3, Bypass.FREEZE_PROJECT);
    double[] here =
        ScalarModel.attention(START, new int[] {1, 2, 1, 2, 2}, 3, Bypass.FREEZE_PROJECT);
    double state = 0;
    for (int row = 0; row < START.length; row++) {
      double[] step = ScalarModel.recur(here[row], state);
      state = step[0];
      exact[row] += depths[row] == 2 ? step[1] : 0;
    }
    Trial.of(kit, drawn, trial -> sameInSteps(trial, "a head of its own", depths, exact));
  }
}
