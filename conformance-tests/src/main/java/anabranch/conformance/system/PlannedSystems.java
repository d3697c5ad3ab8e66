package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.error.DescriptionException;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Systems that change the order or the number of blocks. Stateless. */
final class PlannedSystems {
  private PlannedSystems() {}

  static List<PublishedSystem> all() {
    return List.of(painters(), chosenEncoderDepth(), lazyLayers());
  }

  private static Part run(int block) {
    return new Part.Run(block);
  }

  /** Layers that add {@code factor * max(x, 0)}: three of them, on one number. */
  private static PublishedSystem painters() {
    Block block = Block.of(bare("feedForward", unit()));
    Plan plan =
        Plan.of(block, block, block)
            .with("identity", List.of(run(0), run(1), run(2)))
            .with("skip", List.of(run(0), run(2)))
            .with("reversed", List.of(run(2), run(1), run(0)))
            .with("one", List.of(run(0), new Part.Mean(List.of(1)), run(2)))
            .with("parallel", List.of(run(0), new Part.Mean(List.of(1, 2))))
            .with("again", List.of(new Loop(List.of(run(1)), 3, null)))
            .with("looped", List.of(new Loop(List.of(new Part.Mean(List.of(0, 1, 2))), 2, null)));
    Case preset =
        Tiny.of(1, 3, plan)
            .give("embedding.tokens", 1, 2, -4)
            .copier("blocks.0.feedForward", 0, 0, 0.5f)
            .copier("blocks.1.feedForward", 0, 0, 1)
            .copier("blocks.2.feedForward", 0, 0, 3)
            .with(new int[] {0, 1, 2});
    return new PublishedSystem(
        "A32",
        "Transformer layers as painters",
        "Sun et al. 2024",
        List.of("hand-computed vector", "equal bits", "properties"),
        List.of(),
        preset,
        "plan.parts mean.blocks",
        spec ->
            Rewrite.parts(
                spec,
                part ->
                    part instanceof Part.Mean mean && mean.blocks().size() > 1
                        ? new Part.Mean(mean.blocks().subList(0, mean.blocks().size() - 1))
                        : part),
        (kit, given) -> {
          order(kit, given, "skip", 1.5 * 4);
          order(kit, given, "reversed", 4 * 2 * 1.5);
          order(kit, given, "one", 1.5 * 2 * 4);
          order(kit, given, "parallel", 1.5 * (2 + 4) / 2);
          order(kit, given, "again", 2 * 2 * 2);
          order(kit, given, "looped", 2.5 * 2.5);
          agree(kit, given, chosen(given, "identity"), "identity");
          agree(kit, given, chosen(given, "one"), "a mean of one");
          assertThrows(DescriptionException.class, () -> given.spec().plan().choose("unknown"));
          caches(kit);
        });
  }

  private static Case chosen(Case given, String order) {
    ModelSpec spec = given.spec().withPlan(given.spec().plan().choose(order));
    return new Case(order, spec, given.weights(), given.sequences());
  }

  private static void order(Subject kit, Case given, String order, double factor) {
    Case other = chosen(given, order);
    Trial.of(
        kit,
        other,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(other.sequences()).get(0);
          expect(trial, order, answer, 0, factor, 2 * factor, -4);
        });
  }

  private static void agree(Subject kit, Case given, Case other, String what) {
    List<Answered> expected = new ArrayList<>();
    Policy full = Policy.fullDepth();
    Trial.of(kit, given, trial -> expected.addAll(trial.by(full).run(given.sequences())));
    Trial.of(
        kit, other, trial -> trial.agree(what, expected, trial.by(full).run(other.sequences())));
  }

  /** Each run of a layer keeps keys of its own, so that steps equal one call. */
  private static void caches(Subject kit) {
    Block block = Block.of(bare("mixer", Attention.causal(1, 1)));
    Plan plan =
        Plan.of(block, block)
            .with("twice", List.of(new Loop(List.of(run(0), run(1)), 2, null)))
            .choose("twice");
    Tiny tiny = Tiny.of(1, 3, plan).give("embedding.tokens", 1, 2, -4);
    ScalarModel.mean(ScalarModel.mean(tiny, "blocks.0.mixer"), "blocks.1.mixer");
    Case twice = tiny.with(new int[] {0, 1, 2, 1});
    double[] exact =
        ScalarModel.attention(
            new double[] {1, 2, -4, 2}, new int[] {4, 4, 4, 4}, 4, Bypass.FREEZE_PROJECT);
    Trial.of(
        kit,
        twice,
        trial -> {
          for (int rows : new int[] {1, 3, 4}) {
            Answered answer =
                trial.by(Policy.fullDepth()).inSteps(rows).run(twice.sequences()).get(0);
            expect(trial, rows + " rows at a time", answer, 0, exact);
          }
        });
  }

  /**
   * An encoder of four layers, each adding max(x, 0), of which a choice on the mean row takes 1 to
   * 4; the decoder adds the mean of the memory to its rows.
   */
  private static PublishedSystem chosenEncoderDepth() {
    Plan.Builder plan = Plan.builder();
    plan.add(new DepthChoice("depth", DepthChoice.From.ROWS, Head.Pool.MEAN, true));
    for (int layer = 0; layer < 4; layer++) {
      plan.add(Block.of(bare("feedForward", unit())));
      if (layer < 3) {
        plan.add(new Exit("layer" + layer, null, Criterion.chosen(), Bypass.TERMINATE));
      }
    }
    Input input = new Input.Tokens(4, 8);
    Encoder encoder = new Encoder(input, Embedding.plain(), plan.build(), null);
    ModelSpec spec =
        new ModelSpec(
            "chosen",
            1,
            encoder,
            input,
            Embedding.plain(),
            Plan.of(Block.of(bare("memory", Attention.memory(1, 1)))),
            Tiny.head(Head.Pool.EACH, 1));
    // Scores 0, m - 1, 2m - 3, 3m - 6 of a mean m: the best depth grows by one at 1, 2 and 3.
    Tiny tiny =
        Tiny.of(spec)
            .give("encoder.embedding.tokens", 0.5f, 1.5f, 2.5f, 5.5f)
            .give("embedding.tokens", 10, 20, 30, 40)
            .give("encoder.choices.depth.score.weight", 0, 1, 2, 3)
            .give("encoder.choices.depth.score.bias", 0, -1, -3, -6);
    for (int layer = 0; layer < 4; layer++) {
      tiny.copier("encoder.blocks." + layer + ".feedForward", 0, 0, 1);
    }
    ScalarModel.mean(tiny, "blocks.0.memory");
    int[][] memories = {{0}, {0, 2}, {1, 1, 2}, {3, 0, 3}, {2}, {0, 1}};
    List<Sequence> sequences = new ArrayList<>();
    for (int[] memory : memories) {
      sequences.add(new Sequence(Event.ofTokens(memory), List.of(Event.ofTokens(0, 1, 2))));
    }
    Case preset = tiny.with(sequences);
    return new PublishedSystem(
        "A20/A38",
        "Chosen encoder depth, DecoderLens",
        "Yao et al. 2024; Langedijk et al. 2023",
        List.of("hand-computed vector", "a sweep over the layers"),
        List.of("how the features of the choice are pooled"),
        preset,
        "choice.pool",
        given -> pooled(given, Head.Pool.FIRST),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                Policy obey =
                    Policy.named("obey").with("layer0", 1).with("layer1", 1).with("layer2", 1);
                List<Answered> answers = trial.by(obey).run(given.sequences());
                List<Answered> full = trial.by(Policy.fullDepth()).run(given.sequences());
                double[] values = {0.5, 1.5, 2.5, 5.5};
                for (int n = 0; n < memories.length; n++) {
                  double mean = 0;
                  for (int token : memories[n]) {
                    mean += values[token] / memories[n].length;
                  }
                  int depth = mean <= 1 ? 1 : mean <= 2 ? 2 : mean <= 3 ? 3 : 4;
                  double read = mean * (1 << depth);
                  expect(trial, "memory " + n, answers.get(n), 0, 10 + read, 20 + read, 30 + read);
                  double deep = mean * 16;
                  expect(trial, "full " + n, full.get(n), 0, 10 + deep, 20 + deep, 30 + deep);
                }
              });
          lens(kit, given, memories);
        });
  }

  /** Every layer of the encoder, read by the same decoder; the last is the model itself. */
  private static void lens(Subject kit, Case given, int[][] memories) {
    for (int depth = 1; depth <= 4; depth++) {
      Encoder encoder = given.spec().encoder();
      if (encoder == null) {
        throw new AssertionError("no encoder");
      }
      List<Part> order = new ArrayList<>();
      for (int layer = 0; layer < depth; layer++) {
        order.add(run(layer));
      }
      Plan cut = encoder.plan().with("lens", order).choose("lens");
      ModelSpec spec =
          given
              .spec()
              .withEncoder(new Encoder(encoder.input(), encoder.embedding(), cut, encoder.norm()));
      Case read = new Case("lens", spec, given.weights(), given.sequences().subList(0, 1));
      double exact = 10 + 0.5 * (1 << depth);
      Trial.of(
          kit,
          read,
          trial -> {
            Answered answer = trial.by(Policy.fullDepth()).run(read.sequences()).get(0);
            assertEquals(exact, answer.logits[0][0], trial.tolerance().of(exact), "lens");
          });
    }
  }

  private static ModelSpec pooled(ModelSpec spec, Head.Pool pool) {
    Encoder encoder = spec.encoder();
    if (encoder == null) {
      throw new AssertionError("no encoder");
    }
    List<Part> parts =
        encoder.plan().parts().stream()
            .map(
                part ->
                    part instanceof DepthChoice choice
                        ? new DepthChoice(choice.id(), choice.from(), pool, choice.bias())
                        : part)
            .toList();
    Plan plan = new Plan(encoder.plan().blocks(), parts, java.util.Map.of(), null);
    return spec.withEncoder(
        new Encoder(encoder.input(), encoder.embedding(), plan, encoder.norm()));
  }

  /**
   * Three layers that read means; the lazy one in the middle reads the first row and the last two.
   */
  private static PublishedSystem lazyLayers() {
    Attention lazy = Attention.causal(1, 1).withWindow(new Attention.Window(2, 1));
    float[] values = {1, 2, -4, 0.5f, 3, -1};
    Block full = Block.of(bare("mixer", Attention.causal(1, 1)));
    Tiny tiny =
        Tiny.of(1, values.length, Plan.of(full, Block.of(bare("mixer", lazy)), full))
            .give("embedding.tokens", values);
    for (int layer = 0; layer < 3; layer++) {
      ScalarModel.mean(tiny, "blocks." + layer + ".mixer");
    }
    int[] all = {0, 1, 2, 3, 4, 5};
    return new PublishedSystem(
        "A47",
        "LightTransfer, lazy layers",
        "Zhang et al. 2024",
        List.of("computed directly with single numbers", "equal bits", "steps equal one call"),
        List.of("how layers are found to be lazy"),
        tiny.with(all),
        "attention.window.first",
        spec -> windowed(spec, new Attention.Window(2, 0)),
        (kit, given) -> {
          double[] exact = streamed(values, 2, 1);
          Trial.of(
              kit,
              given,
              trial -> {
                for (int rows : new int[] {1, 4, 6}) {
                  Answered answer =
                      trial.by(Policy.fullDepth()).inSteps(rows).run(given.sequences()).get(0);
                  expect(trial, rows + " rows at a time", answer, 0, exact);
                }
              });
          Case few = tiny.with(new int[] {3, 1, 4});
          Case open = new Case("open", windowed(few.spec(), null), few.weights(), few.sequences());
          agree(kit, open, few, "what fits into the window");
        });
  }

  private static ModelSpec windowed(ModelSpec spec, Attention.@Nullable Window window) {
    return Rewrite.operations(
        spec,
        operation ->
            operation instanceof Attention attention && attention.window() != null
                ? attention.withWindow(window)
                : operation);
  }

  private static double[] streamed(float[] values, int rows, int first) {
    double[] x = new double[values.length];
    for (int row = 0; row < x.length; row++) {
      x[row] = values[row];
    }
    for (int layer = 0; layer < 3; layer++) {
      double[] next = x.clone();
      for (int row = 0; row < x.length; row++) {
        double sum = 0;
        int count = 0;
        for (int other = 0; other <= row; other++) {
          if (layer != 1 || other > row - rows || other < first) {
            sum += x[other];
            count++;
          }
        }
        next[row] += sum / count;
      }
      x = next;
    }
    return x;
  }
}
