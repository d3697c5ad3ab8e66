package anabranch.conformance.system.stored;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.identity;
import static anabranch.conformance.system.Tiny.odds;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Tiny;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Plan;
import anabranch.model.route.Gate;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Systems in which several places of a plan have one tensor. Stateless. */
public final class SharedSystems {
  private static final int DEPTH = 3;
  private static final double EPSILON = 1e-5;
  private static final float[] ROUTER = {1, -1, 0.5f, -0.5f, 1, 1};
  private static final float[][] ROWS = {{1, -2, 0.5f}, {0.25f, 3, -1}, {-1.5f, 0.5f, 2}};

  private SharedSystems() {}

  /** Returns the systems. */
  public static List<PublishedSystem> all() {
    return List.of(omniRouter(), wideNet());
  }

  private static ModelSpec unweighed(ModelSpec spec) {
    return Rewrite.routers(spec, r -> r.with(new Gate(Gate.Of.ONE, null, 1)));
  }

  private static Answered only(Trial trial) {
    return trial.by(Policy.fullDepth()).run(trial.subject.sequences()).get(0);
  }

  /**
   * Two layers of two experts, routed by places 1 and 2. In layer 0 expert 0 writes x to place 3,
   * expert 1 writes 2 x to place 1, so that the second layer decides otherwise; in layer 1 they
   * write 10 x and 20 x to place 3.
   */
  private static PublishedSystem omniRouter() {
    Sublayer mixture = bare("mixture", new Mixture(2, unit(), Routers.switchTop1()));
    Case tiny =
        Tiny.of(4, 2, Plan.of(Block.of(mixture), Block.of(mixture)))
            .give("embedding.tokens", 1, odds(0.75), 0, 0, 1, odds(0.2), 0, 0)
            .copier("blocks.0.mixture.experts.0", 0, 3, 1)
            .copier("blocks.0.mixture.experts.1", 0, 1, 2)
            .copier("blocks.1.mixture.experts.0", 0, 3, 10)
            .copier("blocks.1.mixture.experts.1", 0, 3, 20)
            .with(new int[] {0, 1});
    Made shared = sharing(tiny).with("router", 0, 1, 0, 0, 0, 0, 1, 0);
    return new PublishedSystem(
        "A09",
        "Omni-router",
        "Gu et al. 2025",
        List.of("hand-computed vector", "stored parameters"),
        List.of("whether a decision is ever copied between layers", "a capacity"),
        shared.in(tiny),
        "router.gate.of",
        SharedSystems::unweighed,
        (kit, given) -> {
          double turned = 1 / (1 + Math.exp(-(Math.log(0.25) + 0.8 * 2)));
          Trial.of(
              kit,
              given,
              trial -> {
                Answered answer = only(trial);
                expect(trial, "one matrix", answer, 3, 0.75 + 7.5, 10 * turned);
                decided(answer, new int[] {0, 1}, new int[] {0, 0});
              });
          Trial.of(
              kit,
              shared.with("router", 0, 0, 1, 0, 0, 1, 0, 0).in(given),
              trial -> decided(only(trial), new int[] {1, 0}, new int[] {1, 0}));
          Trial.of(
              kit,
              shared.with("blocks.0.mixture.experts.1.down.weight").in(given),
              trial -> decided(only(trial), new int[] {0, 1}, new int[] {0, 1}));
        });
  }

  /** One router for both layers; all other tensors as they are named. */
  private static Made sharing(Case tiny) {
    Made made =
        Made.of(
            tiny.spec(),
            (parameter, stored) -> {
              boolean router = parameter.name().endsWith(".router.weight");
              return stored.getOrDefault(router ? "router" : parameter.name(), new float[0]);
            });
    for (String name : tiny.weights().names()) {
      float[] values = new float[(int) tiny.weights().tensor(name).elements()];
      tiny.weights().tensor(name).copyTo(java.nio.FloatBuffer.wrap(values));
      made = name.endsWith(".router.weight") ? made : made.with(name, values);
    }
    return made;
  }

  private static void decided(Answered answer, int[]... layers) {
    for (int layer = 0; layer < layers.length; layer++) {
      int[][] taken = answer.experts.get("blocks." + layer + ".mixture");
      int[] first = Arrays.stream(taken).mapToInt(row -> row[0]).toArray();
      assertArrayEquals(layers[layer], first, "experts of layer " + layer);
    }
  }

  /** Three times the same attention and the same experts, each time behind norms of its own. */
  private static PublishedSystem wideNet() {
    Norm norm = new Norm.Layer(EPSILON);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.full(1, 3)),
            Sublayer.preNorm(norm, new Mixture(2, unit(), Routers.switchTop1())));
    Case tiny = Tiny.of(3, ROWS.length, Plan.of(block, block, block)).with(new int[] {0, 1, 2});
    Made shared = Made.of(tiny.spec(), (parameter, stored) -> place(parameter.name(), stored));
    float[] table = new float[9];
    for (int i = 0; i < table.length; i++) {
      table[i] = ROWS[i / 3][i % 3];
    }
    shared =
        shared
            .with("embedding.tokens", table)
            .with("head.weight", identity(3))
            .with("attention.v.weight", identity(3))
            .with("attention.o.weight", identity(3))
            .with("mixture.router.weight", ROUTER)
            .with("mixture.experts.0.up.weight", 1, 0, 0)
            .with("mixture.experts.0.down.weight", 0, 2, 0)
            .with("mixture.experts.1.up.weight", 0, 1, -1)
            .with("mixture.experts.1.down.weight", 1, 0, 1);
    for (int layer = 0; layer < DEPTH; layer++) {
      shared =
          shared
              .with("blocks." + layer + ".attention.before.weight", 1 + layer, 0.5f, 2)
              .with("blocks." + layer + ".attention.before.bias", 0.25f * layer, 0, 1)
              .with("blocks." + layer + ".mixture.before.weight", 1, 1 - 0.5f * layer, 1)
              .with("blocks." + layer + ".mixture.before.bias", 0, 0.5f, -layer);
    }
    Made whole = shared;
    return new PublishedSystem(
        "A25",
        "WideNet",
        "Xue et al. 2022",
        List.of("computed directly, row by row", "stored parameters"),
        List.of("whether one expert or two", "a capacity, which the code counts from one"),
        whole.in(tiny),
        "router.gate.of",
        SharedSystems::unweighed,
        (kit, given) -> {
          int norms = DEPTH * 4 * 3;
          assertEquals(9 + 9 + 18 + 6 + 12 + norms, whole.numbers(), "stored numbers");
          runs(kit, given, whole, 1);
          String swapped = "blocks.1.mixture.before.bias";
          runs(kit, given, whole.with(swapped, 1, -1, 0), 1);
          ModelSpec two = Rewrite.routers(given.spec(), r -> r.with(new Selection.TopK(2)));
          runs(kit, new Case("two", two, given.weights(), given.sequences()), whole, 2);
        });
  }

  private static void runs(Subject kit, Case given, Made weights, int k) {
    Trial.of(
        kit,
        weights.in(given),
        trial -> {
          double[][] exact = wide(weights, k);
          Answered answer = only(trial);
          for (int place = 0; place < 3; place++) {
            int at = place;
            double[] column = Arrays.stream(exact).mapToDouble(row -> row[at]).toArray();
            expect(trial, "place " + place + " with " + k, answer, place, column);
          }
        });
  }

  /** Norms are stored by their places, all else once; queries and keys are zero. */
  private static float[] place(String name, Map<String, float[]> stored) {
    String once = name.contains(".before.") ? name : name.replaceFirst("^blocks\\.\\d+\\.", "");
    return stored.getOrDefault(once, new float[0]);
  }

  private static double[][] wide(Made weights, int k) {
    double[][] x = new double[ROWS.length][3];
    for (int row = 0; row < x.length; row++) {
      for (int i = 0; i < 3; i++) {
        x[row][i] = ROWS[row][i];
      }
    }
    for (int layer = 0; layer < DEPTH; layer++) {
      double[] sum = new double[3];
      for (double[] row : x) {
        double[] read = normed(weights, "blocks." + layer + ".attention.before", row);
        for (int i = 0; i < 3; i++) {
          sum[i] += read[i] / x.length;
        }
      }
      for (double[] row : x) {
        for (int i = 0; i < 3; i++) {
          row[i] += sum[i];
        }
        mix(normed(weights, "blocks." + layer + ".mixture.before", row), row, k);
      }
    }
    return x;
  }

  private static void mix(double[] read, double[] into, int k) {
    double[] z = new double[2];
    for (int e = 0; e < 2; e++) {
      for (int i = 0; i < 3; i++) {
        z[e] += ROUTER[3 * e + i] * read[i];
      }
    }
    double first = 1 / (1 + Math.exp(z[1] - z[0]));
    if (k == 2 || z[0] >= z[1]) {
      into[1] += first * 2 * Math.max(read[0], 0);
    }
    if (k == 2 || z[0] < z[1]) {
      double write = (1 - first) * Math.max(read[1] - read[2], 0);
      into[0] += write;
      into[2] += write;
    }
  }

  private static double[] normed(Made weights, String path, double[] x) {
    double mean = (x[0] + x[1] + x[2]) / 3;
    double square = 0;
    for (double value : x) {
      square += (value - mean) * (value - mean) / 3;
    }
    double[] y = new double[3];
    for (int i = 0; i < 3; i++) {
      double unit = (x[i] - mean) / Math.sqrt(square + EPSILON);
      y[i] = unit * weights.number(path + ".weight", i) + weights.number(path + ".bias", i);
    }
    return y;
  }
}
