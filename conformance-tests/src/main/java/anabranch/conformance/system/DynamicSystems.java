package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Skip;
import anabranch.model.plan.Plan;
import anabranch.model.route.Logits;
import anabranch.model.route.Routers;
import java.util.List;

/** Systems that decide how wide a layer is, and which rows it is for. Stateless. */
final class DynamicSystems {
  private DynamicSystems() {}

  static List<PublishedSystem> all() {
    return List.of(dynamicTransformer());
  }

  /**
   * Three samples of rows (value, mark, time, ...). Attention writes the mean of the values to
   * place 3; a network that is for rows whose mark is beyond 1 on either side adds ten times the
   * value to place 4; of a wide network, its first slice adds the value to place 5, and two more
   * add ten and a hundred times the value where the time is above 1, and above 2.
   */
  private static PublishedSystem dynamicTransformer() {
    Skip tokens = new Skip(Routers.dynamicTokens(2, Activation.RELU), unit(), Bypass.MASK);
    Mixture widths = new Mixture(2, unit(), Routers.dynamicWidths()).withShared(unit(), false);
    float[] marks = {2, -3, 1, 0.5f};
    float[] times = {1.5f, 3, 0};
    float[] table = new float[6 * 12];
    for (int id = 0; id < 12; id++) {
      table[6 * id] = 1 + id % 4;
      table[6 * id + 1] = marks[id % 4];
      table[6 * id + 2] = times[id / 4];
    }
    Block block =
        Block.of(
            bare("attention", Attention.full(1, 1)),
            bare("tokens", tokens),
            bare("widths", widths));
    Case preset =
        Tiny.of(6, 12, Plan.of(block))
            .give("embedding.tokens", table)
            .give("blocks.0.attention.v.weight", 1, 0, 0, 0, 0, 0)
            .give("blocks.0.attention.o.weight", 0, 0, 0, 1, 0, 0)
            // The hidden layer is the mark's positive part, and its negative part.
            .give("blocks.0.tokens.router.hidden.weight", 0, 1, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0)
            .give("blocks.0.tokens.router.weight", 1, 1)
            .give("blocks.0.tokens.router.bias", -1)
            .copier("blocks.0.tokens.feedForward", 0, 4, 10)
            .give("blocks.0.widths.router.weight", 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0)
            .give("blocks.0.widths.router.bias", -1, -2)
            .copier("blocks.0.widths.shared", 0, 5, 1)
            .copier("blocks.0.widths.experts.0", 0, 5, 10)
            .copier("blocks.0.widths.experts.1", 0, 5, 100)
            .with(new int[] {0, 1, 2, 3}, new int[] {4, 5, 6, 7}, new int[] {8, 11});
    return new PublishedSystem(
        "A15",
        "DyDiT++, dynamic tokens and widths",
        "Zhao et al. 2025",
        List.of("hand-computed vector", "executed rows"),
        List.of(
            "a condition beside the rows; here the time is a number of every row",
            "groups of attention heads, and widths of the network that tokens pass"),
        preset,
        "router.logits.activation",
        spec ->
            Rewrite.routers(
                spec,
                r ->
                    r.logits() instanceof Logits.Network network
                        ? r.with(
                            r.source(),
                            new Logits.Network(network.inner(), Activation.TANH, network.bias()))
                        : r),
        (kit, given) ->
            Trial.of(
                kit,
                given,
                trial -> {
                  Walk walk = trial.by(Policy.fullDepth());
                  List<Answered> answers = walk.run(given.sequences());
                  expect(trial, "all rows are attended to", answers.get(0), 3, 2.5, 2.5, 2.5, 2.5);
                  // A mark of 1 makes one half exactly, which is not above it.
                  expect(trial, "marked rows", answers.get(0), 4, 10, 20, 0, 0);
                  expect(trial, "early", answers.get(0), 5, 11, 22, 33, 44);
                  expect(trial, "late", answers.get(1), 5, 111, 222, 333, 444);
                  expect(trial, "at the end", answers.get(2), 5, 1, 4);
                  long[] slices = {8, 4};
                  assertArrayEquals(slices, walk.ran().get("blocks.0.widths"), "rows of slices");
                  long[] marked = {2 + 2 + 1};
                  assertArrayEquals(marked, walk.ran().get("blocks.0.tokens"), "marked rows");
                }));
  }
}
