package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.space.Unsliced;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.plan.Plan;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Systems that decide how wide a layer is, which of its inner numbers are made, which rows it is
 * for, and what multiplies its input. Stateless.
 */
final class DynamicSystems {
  private static final String PATH = "blocks.0.modulated";
  private static final String SLICED = "blocks.0.sliced";

  /** What slices make of a value. */
  private static final float[][] UP = {{1, -2}, {0.5f, 3}, {7, 7}, {-1, 2}};

  /** The softmax of each row's logits, of which the first is zero. */
  private static final double[][] SHARES = {
    {1 / 8.0, 4 / 8.0, 2 / 8.0, 1 / 8.0},
    {1 / 16.0, 1 / 16.0, 1 / 16.0, 13 / 16.0},
    {1 / 4.0, 1 / 4.0, 1 / 4.0, 1 / 4.0}
  };

  private static final float[] VALUES = {1, 2, -3};

  /** A number whose SiLU is 1. */
  private static final float ONE = 1.2784645f;

  private DynamicSystems() {}

  static List<PublishedSystem> all() {
    return List.of(dynamicTransformer(), switchTransformerOfDiffusion(), hiddenDimensions());
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

  /**
   * Two samples of rows (value, mark, ...), each at several steps of a diffusion. The matrices add
   * 6, 12 and 60 times the mark to the factors of places 0 and 2. Attention writes the mean of the
   * values to place 2; a network writes ten times place 2 to place 3.
   */
  private static PublishedSystem switchTransformerOfDiffusion() {
    Chain chain = Chain.of(bare("attention", Attention.full(1, 1)), bare("feedForward", unit()));
    Operation modulated = new Mixture.Modulated(3, Routers.switchDit(2, 2, false), chain);
    float ln2 = (float) Math.log(2);
    float ln3 = (float) Math.log(3);
    Tiny tiny =
        Tiny.of(5, 4, Plan.of(Block.of(bare("modulated", modulated))))
            .give("embedding.tokens", 1, 1, 0, 0, 0, 3, 1, 0, 0, 0, 2, 0, 0, 0, 0, 4, 1, 0, 0, 0)
            .give(PATH + ".router.weight", ln3, 0, ln2, ln2, 0, ln3)
            .give(PATH + ".attention.v.weight", 1, 0, 0, 0, 0)
            .give(PATH + ".attention.o.weight", 0, 0, 1, 0, 0)
            .copier(PATH + ".feedForward", 2, 3, 10);
    float[] marks = {6, 12, 60};
    for (int e = 0; e < marks.length; e++) {
      float[] matrix = new float[25];
      matrix[1] = marks[e];
      matrix[2 * 5 + 1] = marks[e];
      tiny.give(PATH + ".experts." + e + ".weight", matrix);
    }
    List<Sequence> sequences = new ArrayList<>();
    for (float[] condition : conditions()) {
      sequences.add(Sequence.of(Event.ofTokens(0, 1).conditioned(condition)));
      sequences.add(Sequence.of(Event.ofTokens(2, 3).conditioned(condition)));
    }
    return new PublishedSystem(
        "A14",
        "Switch-DiT, experts by diffusion steps",
        "Park et al. 2024",
        List.of("hand-computed vector", "decisions tabled beforehand, by step"),
        List.of(
            "whether the router has a bias",
            "norms that the step scales and shifts, which belong to the dense block; here the block"
                + " does not read it"),
        tiny.with(sequences),
        "router.gate.normalise",
        spec -> Rewrite.routers(spec, r -> r.with(Gate.normalisedScore())),
        (kit, given) -> Trial.of(kit, given, DynamicSystems::modulates));
  }

  /** Three conditions that are easy to follow, then those of eight steps. */
  private static List<float[]> conditions() {
    List<float[]> all = new ArrayList<>();
    all.add(new float[] {ONE, 0});
    all.add(new float[] {0, ONE});
    all.add(new float[] {0, 0});
    for (int step = 1; step <= 8; step++) {
      all.add(new float[] {(float) (3 * Math.cos(step)), (float) (3 * Math.sin(step))});
    }
    return all;
  }

  private static void modulates(Trial trial) {
    List<Answered> answers = trial.by(Policy.fullDepth()).run(trial.subject.sequences());
    // Logits ln 3, ln 2, 0: shares 1/2, 1/3, 1/6, so that m = 1 + 6/2 + 12/3 where the mark is 1.
    expectMean(trial, "first", answers.subList(0, 2), (8 + 24) / 2.0, (2 + 32) / 2.0);
    // Logits 0, ln 2, ln 3: m = 1 + 12/3 + 60/2.
    expectMean(trial, "second", answers.subList(2, 4), (35 + 105) / 2.0, (2 + 140) / 2.0);
    // Three equal logits, of which the lower two are taken: m = 1 + 6/3 + 12/3.
    expectMean(trial, "third", answers.subList(4, 6), (7 + 21) / 2.0, (2 + 28) / 2.0);
    for (int step = 0; step < conditions().size(); step++) {
      double[] shares = shares(conditions().get(step));
      int[] table = best(shares);
      for (Answered answered : answers.subList(2 * step, 2 * step + 2)) {
        for (int row = 0; row < 2; row++) {
          assertArrayEquals(table, answered.experts.get(PATH)[row], "experts of step " + step);
          for (int rank = 0; rank < 2; rank++) {
            double gate = shares[table[rank]];
            double allowed = trial.tolerance().of(gate);
            assertEquals(gate, answered.gates.get(PATH)[row][rank], allowed, "step " + step);
          }
        }
      }
    }
  }

  /** A row keeps its value: what was multiplied is taken off again, and the residual is whole. */
  private static void expectMean(
      Trial trial, String what, List<Answered> samples, double... means) {
    double[][] values = {{1, 3}, {2, 4}};
    for (int n = 0; n < 2; n++) {
      expect(trial, what + ", values", samples.get(n), 0, values[n]);
      expect(trial, what + ", means", samples.get(n), 2, means[n], means[n]);
      expect(trial, what + ", network", samples.get(n), 3, 10 * means[n], 10 * means[n]);
    }
  }

  /** The softmax of the router's matrix times the SiLU of a condition. */
  private static double[] shares(float[] condition) {
    double a = condition[0] / (1 + Math.exp(-condition[0]));
    double b = condition[1] / (1 + Math.exp(-condition[1]));
    double[] powers = {Math.pow(3, a), Math.pow(2, a + b), Math.pow(3, b)};
    double sum = powers[0] + powers[1] + powers[2];
    return new double[] {powers[0] / sum, powers[1] / sum, powers[2] / sum};
  }

  /** The two best of three, the lower one first where they are equal. */
  private static int[] best(double[] shares) {
    int first = shares[1] > shares[0] ? 1 : 0;
    first = shares[2] > shares[first] ? 2 : first;
    int low = first == 0 ? 1 : 0;
    int high = first == 2 ? 1 : 2;
    return new int[] {first, shares[high] > shares[low] ? high : low};
  }

  /**
   * Rows (value, three logits, ...) of a network of four slices of two numbers: the first is made
   * for all, one of the others for each row. Slice s makes {@code UP[s]} times the value. Within
   * slice 0 the numbers change places, in slice 3 the first becomes their sum; across slices the
   * first number of slice 2 becomes the sum of those of 0, 1 and 3, and the second numbers move on
   * by one slice. Place 4 gets the numbers times 1 to 8, place 5 the first one of slice 2.
   */
  private static PublishedSystem hiddenDimensions() {
    Mixture.Sliced.Fusion fusion =
        new Mixture.Sliced.Fusion(Mixture.Sliced.Fusion.Kind.MONARCH, false);
    Operation sliced =
        new Mixture.Sliced(
            4, 2, Activation.SILU, false, Routers.mohd(1, 1), Mixture.Sliced.Scaling.SUM, fusion);
    float[] table = new float[6 * SHARES.length];
    for (int row = 0; row < SHARES.length; row++) {
      table[6 * row] = VALUES[row];
      for (int s = 1; s < 4; s++) {
        table[6 * row + s] = (float) Math.log(SHARES[row][s] / SHARES[row][0]);
      }
    }
    Tiny tiny =
        Tiny.of(6, SHARES.length, Plan.of(Block.of(bare("sliced", sliced))))
            .give("embedding.tokens", table)
            .give(SLICED + ".router.weight", zeroBut(24, 7, 14, 21))
            .give(SLICED + ".within.weight", 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1)
            .give(
                SLICED + ".across.weight",
                new float[] {
                  1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, //
                  0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0
                });
    float[] down = new float[6 * 8];
    for (int i = 0; i < 8; i++) {
      down[4 * 8 + i] = i + 1;
    }
    down[5 * 8 + 4] = 1;
    for (int s = 0; s < 4; s++) {
      float[] up = new float[12];
      up[0] = UP[s][0];
      up[6] = UP[s][1];
      tiny.give(SLICED + ".experts." + s + ".weight", up);
    }
    Case preset =
        tiny.give(SLICED + ".down.weight", down).with(new int[] {0, 1, 2}, new int[] {2, 0});
    return new PublishedSystem(
        "A24",
        "Mixture of Hidden Dimensions",
        "Chen et al. 2025",
        List.of("hand-computed vector", "executed rows", "the dense network"),
        List.of(
            "which vectors are cut, those of attentions among them; here the one between two"
                + " projections, as in citing code",
            "the weights, a softmax over all slices, always the shared ones' too, and the factor for"
                + " slices that are not made, their number times the sum of weights: known from"
                + " citing code only",
            "the blocks of the Monarch matrix and its bias, which must be said; here one for each"
                + " slice, then one for each place; citing code has the former alone",
            "gated networks, and the non-linearity"),
        preset,
        "router.preference.always",
        spec -> Rewrite.routers(spec, r -> r.with(Preference.byScore())),
        (kit, given) -> {
          Trial.of(kit, given, DynamicSystems::makesSlices);
          // What no row makes is nowhere, however large it would be.
          Case first = given.with(List.of(Sequence.of(Event.ofTokens(0, 2))));
          Case loud = loud(first);
          Trial.of(
              kit,
              loud,
              trial -> expectRows(trial, trial.by(Policy.fullDepth()).run(loud.sequences()), 0, 2));
          Router all = Routers.mohd(1, 3).with(new Gate(Gate.Of.ONE, null, 1));
          dense(kit, plain(given, all), 4);
          dense(kit, plain(given, all.with(new Selection.TopK(1))), 1);
        });
  }

  private static void makesSlices(Trial trial) {
    Walk walk = trial.by(Policy.fullDepth());
    List<Answered> answers = walk.run(trial.subject.sequences());
    expectRows(trial, answers.subList(0, 1), 0, 1, 2);
    expectRows(trial, answers.subList(1, 2), 2, 0);
    assertArrayEquals(new long[] {5, 4, 0, 1}, walk.ran().get(SLICED), "rows of slices");
    assertArrayEquals(new int[] {0, 3}, answers.get(0).experts.get(SLICED)[1], "slices of row 1");
    // The router, two slices of four, both factors of the fusion, and down.
    int active = 4 * 6 + 2 * 2 * 6 + 8 * 2 + 8 * 4 + 8 * 6;
    long cost = Cost.of(trial.subject.spec()).live(0, 0, 1, 0);
    assertEquals(2L * active, cost, "activated parameters, two operations each");
  }

  /** Compares with the formulas, number by number. */
  private static void expectRows(Trial trial, List<Answered> answers, int... tokens) {
    double[] sums = new double[tokens.length];
    double[] received = new double[tokens.length];
    for (int row = 0; row < tokens.length; row++) {
      double[] shares = SHARES[tokens[row]];
      int best = tokens[row] == 1 ? 3 : 1;
      double factor = 4 * (shares[0] + shares[best]) * VALUES[tokens[row]];
      double shared = factor * shares[0];
      double own = factor * shares[best];
      double first = best == 1 ? own * UP[1][0] : 0;
      double last = best == 3 ? own * (UP[3][0] + UP[3][1]) : 0;
      double[] fused = {
        shared * UP[0][1],
        best == 3 ? own * UP[3][1] : 0,
        first,
        shared * UP[0][0],
        shared * UP[0][1] + first + last,
        best == 1 ? own * UP[1][1] : 0,
        last,
        0
      };
      for (int i = 0; i < 8; i++) {
        sums[row] += (i + 1) * silu(fused[i]);
      }
      received[row] = silu(fused[4]);
    }
    expect(trial, "sums", answers.get(0), 4, sums);
    expect(trial, "a slice that no row made", answers.get(0), 5, received);
  }

  /** Returns the case with large numbers in slices 2 and 3. */
  private static Case loud(Case given) {
    return given.with(
        Shapes.changed(
            given.spec(),
            given.weights(),
            (name, tensor) ->
                name.matches(".*\\.experts\\.[23]\\.weight")
                    ? Shapes.filled(tensor, 3e4f)
                    : tensor));
  }

  /** Returns the case without fusion and factor, under another router. */
  private static Case plain(Case given, Router router) {
    ModelSpec spec =
        Rewrite.operations(
            given.spec(),
            operation ->
                operation instanceof Mixture.Sliced sliced
                    ? sliced.with(router).withScaling(Mixture.Sliced.Scaling.NONE).withFusion(null)
                    : operation);
    List<Tensor> tensors = new ArrayList<>();
    spec.parameters().forEach(each -> tensors.add(given.weights().tensor(each.name())));
    return new Case("plain", spec, MemoryWeights.of(tensors), given.sequences());
  }

  /** Compares with the dense network, of which the columns of other slices are zero. */
  private static void dense(Subject kit, Case sliced, int made) {
    Case dense = Unsliced.of(sliced, made);
    List<List<Answered>> both = new ArrayList<>();
    for (Case each : List.of(sliced, dense)) {
      Trial.of(
          kit,
          each,
          trial -> {
            List<Answered> answers = trial.by(Policy.fullDepth()).run(each.sequences());
            both.add(answers);
            for (int n = 0; n < answers.size(); n++) {
              float[][] logits = both.get(0).get(n).logits;
              double[] expected = new double[logits.length];
              for (int row = 0; row < logits.length; row++) {
                expected[row] = logits[row][4];
              }
              expect(trial, "dense with " + made, answers.get(n), 4, expected);
            }
          });
    }
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  private static float[] zeroBut(int length, int... ones) {
    float[] values = new float[length];
    for (int one : ones) {
      values[one] = 1;
    }
    return values;
  }
}
