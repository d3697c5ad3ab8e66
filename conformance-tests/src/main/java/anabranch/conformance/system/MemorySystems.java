package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.layer.Block;
import anabranch.model.layer.Recurrence.LinearMemory;
import anabranch.model.plan.Plan;
import java.util.Arrays;
import java.util.List;

/** Systems whose sequences keep a memory of one size. Stateless. */
final class MemorySystems {
  private static final double[] TOKENS = {1, -2, 3, 0.5};
  private static final int[] SEQUENCE = {0, 2, 1, 3, 2, 0};

  private MemorySystems() {}

  static List<PublishedSystem> all() {
    return List.of(legendre());
  }

  /**
   * Over single numbers: {@code u = relu(x + 0.25)}, {@code A = [[0.5, -0.25], [0.75, 0.5]]},
   * {@code B = [1, 0.5]}, {@code h = relu(m0 - 0.5 m1 + 0.5 x + 1)}; the answer is {@code x + h}.
   */
  private static PublishedSystem legendre() {
    LinearMemory memory = new LinearMemory(1, 2, true);
    String path = "blocks.0.memory";
    Case preset =
        Tiny.of(1, TOKENS.length, Plan.of(Block.of(bare("memory", memory))))
            .give("embedding.tokens", 1, -2, 3, 0.5f)
            .give(path + ".in.weight", 1)
            .give(path + ".in.bias", 0.25f)
            .give(path + ".a", 0.5f, -0.25f, 0.75f, 0.5f)
            .give(path + ".b", 1, 0.5f)
            .give(path + ".out.weight", 1, -0.5f, 0.5f)
            .give(path + ".out.bias", 1)
            .with(SEQUENCE);
    return new PublishedSystem(
        "A40",
        "LMUFormer",
        "Liu et al. 2024",
        List.of("hand-computed vector", "all rows at once as sums over earlier inputs", "images"),
        List.of("convolutions before the memory", "spiking neurons"),
        preset,
        "linearMemory.bias",
        spec ->
            Rewrite.operations(
                spec,
                operation ->
                    operation instanceof LinearMemory each
                        ? new LinearMemory(each.inputs(), each.states(), false)
                        : operation),
        (kit, given) ->
            Trial.of(
                kit,
                given,
                trial -> {
                  Policy policy = Policy.fullDepth();
                  Answered answer = trial.by(policy).run(given.sequences()).get(0);
                  // m is (1.25, 0.625), then (3.71875, 2.875): h is 2.4375, then 4.78125.
                  double[] exact = parallel();
                  assertEquals(3.4375, exact[0], "row 0");
                  assertEquals(7.78125, exact[1], "row 1");
                  expect(trial, "all rows at once", answer, 0, exact);
                  Answered stepped = trial.by(policy).inSteps(1).run(given.sequences()).get(0);
                  expect(trial, "one row at a time", stepped, 0, exact);
                  Answered restored =
                      trial.by(policy).travellingAsImages().run(given.sequences()).get(0);
                  expect(trial, "restored", restored, 0, exact);
                  Case early = given.with(List.of(shorter(given)));
                  Answered soon = trial.by(policy).run(early.sequences()).get(0);
                  expect(trial, "answers before the end", soon, 0, Arrays.copyOf(exact, 4));
                }));
  }

  private static Sequence shorter(Case given) {
    int[] tokens = Arrays.copyOf(SEQUENCE, 4);
    assertEquals(SEQUENCE.length, given.sequences().get(0).rows(), "rows of the sequence");
    return Sequence.of(Event.ofTokens(tokens));
  }

  /** Sums {@code A^j B u} over the inputs j rows ago, without any state. */
  private static double[] parallel() {
    double[] results = new double[SEQUENCE.length];
    for (int row = 0; row < results.length; row++) {
      double[] impulse = {1, 0.5};
      double[] m = new double[2];
      for (int ago = 0; ago <= row; ago++) {
        double u = Math.max(TOKENS[SEQUENCE[row - ago]] + 0.25, 0);
        m[0] += impulse[0] * u;
        m[1] += impulse[1] * u;
        impulse =
            new double[] {
              0.5 * impulse[0] - 0.25 * impulse[1], 0.75 * impulse[0] + 0.5 * impulse[1]
            };
      }
      double x = TOKENS[SEQUENCE[row]];
      results[row] = x + Math.max(m[0] - 0.5 * m[1] + 0.5 * x + 1, 0);
    }
    return results;
  }
}
