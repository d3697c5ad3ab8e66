package anabranch.conformance.system.stored;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.identity;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Tiny;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Parameter;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Systems whose matrices are stored as factors or as sums. Stateless. */
public final class FactoredSystems {
  private static final String MIXTURE = "blocks.0.mixture";
  private static final double[] GATES = {0.5, 0.3, 0.2};
  private static final int WIDTH = 4;

  private FactoredSystems() {}

  /** Returns the systems. */
  public static List<PublishedSystem> all() {
    return List.of(matrixProducts(), bilevel());
  }

  private static List<Answered> full(Trial trial) {
    return trial.by(Policy.fullDepth()).run(trial.subject.sequences());
  }

  /**
   * Three experts of 4 by 4 matrices, each the product of five local tensors of which the third is
   * common to all; biases are common, too. Two of three experts with the shares .5, .3 and .2 run
   * for each row.
   */
  private static PublishedSystem matrixProducts() {
    Capacity capacity =
        new Capacity.Limited(
            new Capacity.Size.Share(2, 4, Capacity.Rounding.FLOOR),
            Capacity.Population.ITEM,
            Capacity.Priority.RANK_THEN_POSITION);
    FeedForward expert = FeedForward.plain(WIDTH, Activation.RELU).withBias();
    Mixture mixture =
        new Mixture(3, expert, Routers.stMoe(new Selection.Secondary(0.2, 5L), capacity));
    Case tiny =
        Tiny.of(WIDTH, 2, Plan.of(Block.of(bare("mixture", mixture)))).with(new int[] {0, 1});
    Made product = Made.of(tiny.spec(), FactoredSystems::contracted);
    float[] router = new float[3 * WIDTH];
    for (int e = 0; e < 3; e++) {
      router[e * WIDTH] = (float) Math.log(GATES[e]);
    }
    product =
        product
            .with("embedding.tokens", 1, 2, -1, 0.5f, 1, 1, -0.5f, 0.25f)
            .with("head.weight", identity(WIDTH))
            .with("router", router)
            .with("up.bias", 0.1f, -0.2f, 0.3f, 0)
            .with("down.bias", 0, 0.5f, 0, -0.5f);
    SplittableRandom random = new SplittableRandom(7);
    for (String matrix : List.of("up", "down")) {
      product = product.with(matrix + ".core", drawn(random, 16)).scaled(matrix + ".core", 4);
      for (int e = 0; e < 3; e++) {
        product = product.with(matrix + "." + e + ".first", drawn(random, 2));
        product = product.with(matrix + "." + e + ".second", drawn(random, 16));
        product = product.with(matrix + "." + e + ".fourth", drawn(random, 4));
        product = product.with(matrix + "." + e + ".fifth", drawn(random, 2));
      }
    }
    Made whole = product;
    return new PublishedSystem(
        "A03",
        "MPOE, experts as matrix products",
        "Gao et al. 2022",
        List.of("computed directly from the factors", "stored parameters"),
        List.of(),
        whole.in(tiny),
        "router.gate.normalise",
        spec -> Rewrite.routers(spec, r -> r.with(Gate.score())),
        (kit, given) -> {
          int shared = 8 + 16 + 12 + 8;
          assertEquals(shared + 2 * (16 + 3 * 24), whole.numbers(), "stored numbers");
          for (Made weights :
              List.of(
                  whole,
                  whole.scaled("up.core", 2),
                  whole.scaled("down.core", -1),
                  whole.scaled("up.0.first", 3),
                  whole.scaled("down.1.fifth", 0.5f))) {
            Trial.of(
                kit,
                weights.in(given),
                trial -> {
                  for (int place = 0; place < WIDTH; place++) {
                    expect(
                        trial, "place " + place, full(trial).get(0), place, exact(weights, place));
                  }
                });
          }
        });
  }

  private static float[] drawn(SplittableRandom random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (2 * random.nextDouble() - 1);
    }
    return values;
  }

  private static float[] contracted(Parameter parameter, Map<String, float[]> stored) {
    String name = parameter.name();
    if (name.endsWith(".router.weight")) {
      return stored.getOrDefault("router", new float[0]);
    }
    String[] parts = name.split("\\.");
    if (!name.startsWith(MIXTURE + ".experts.") || name.endsWith(".bias")) {
      String common = name.startsWith(MIXTURE) ? parts[5] + ".bias" : name;
      return stored.getOrDefault(common, new float[0]);
    }
    Factors factors = new Factors(stored, parts[5], parts[4]);
    float[] matrix = new float[WIDTH * WIDTH];
    for (int i = 0; i < WIDTH; i++) {
      for (int j = 0; j < WIDTH; j++) {
        matrix[i * WIDTH + j] = (float) factors.entry(i, j);
      }
    }
    return matrix;
  }

  /** The tensors [1, 1, 1, 2], [2, 2, 2, 2], [2, 2, 2, 2], [2, 1, 1, 2] and [2, 1, 1, 1]. */
  private record Factors(Map<String, float[]> stored, String matrix, String expert) {
    private float of(String which, int at) {
      String own = which.equals("core") ? "core" : expert + "." + which;
      return stored.getOrDefault(matrix + "." + own, new float[0])[at];
    }

    /** Returns the number in row i and column j, whose bits say the places in the tensors. */
    double entry(int i, int j) {
      double sum = 0;
      for (int bonds = 0; bonds < 16; bonds++) {
        int a = bonds & 1;
        int b = bonds >> 1 & 1;
        int c = bonds >> 2 & 1;
        int d = bonds >> 3;
        sum +=
            of("first", a)
                * of("second", 8 * a + 4 * (i >> 1) + 2 * (j >> 1) + b)
                * of("core", 8 * b + 4 * (i & 1) + 2 * (j & 1) + c)
                * of("fourth", 2 * c + d)
                * of("fifth", d);
      }
      return sum;
    }

    /** Returns the product with a vector, taken factor by factor, without the matrix. */
    double[] times(double[] x) {
      double[] last = new double[2]; // fourth and fifth, [c]
      for (int cd = 0; cd < 4; cd++) {
        last[cd >> 1] += of("fourth", cd) * of("fifth", cd & 1);
      }
      double[] inner = new double[8]; // [j >> 1][b][i & 1]
      for (int at = 0; at < 32; at++) {
        int b = at >> 4;
        int low = at >> 3 & 1;
        int j = at >> 1 & 3;
        int c = at & 1;
        float core = of("core", 8 * b + 4 * low + 2 * (j & 1) + c);
        inner[4 * (j >> 1) + 2 * b + low] += core * last[c] * x[j];
      }
      double[] y = new double[WIDTH];
      for (int at = 0; at < 32; at++) {
        int a = at >> 4;
        int i = at >> 2 & 3;
        int high = at >> 1 & 1;
        int b = at & 1;
        float second = of("second", 8 * a + 4 * (i >> 1) + 2 * high + b);
        y[i] += of("first", a) * second * inner[4 * high + 2 * b + (i & 1)];
      }
      return y;
    }
  }

  /** Returns one place of both rows: two experts, weighed by .625 and .375. */
  private static double[] exact(Made weights, int place) {
    double[] exact = new double[2];
    for (int row = 0; row < 2; row++) {
      double[] x = new double[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        x[i] = weights.number("embedding.tokens", row * WIDTH + i);
      }
      exact[row] = x[place];
      for (int e = 0; e < 2; e++) {
        String expert = "" + e;
        double[] inner = new Factors(weights.stored(), "up", expert).times(x);
        for (int i = 0; i < WIDTH; i++) {
          inner[i] = Math.max(inner[i] + weights.number("up.bias", i), 0);
        }
        double[] y = new Factors(weights.stored(), "down", expert).times(inner);
        double gate = GATES[e] / (GATES[0] + GATES[1]);
        exact[row] += gate * (y[place] + weights.number("down.bias", place));
      }
    }
    return exact;
  }

  /**
   * Two nodes of three experts: the matrix of expert (i, j) is row i of the one router plus row j
   * of the other, so that its softmax is the product of both. Rows have logits in places 0 to 4 and
   * x = 1 in place 5; expert e writes (e + 1) x to place 6.
   */
  private static PublishedSystem bilevel() {
    float[][] logits = new float[8][];
    SplittableRandom random = new SplittableRandom(11);
    for (int row = 0; row < logits.length; row++) {
      logits[row] = drawn(random, 5);
    }
    logits[0] = logs(.7, .3, .4, .35, .25);
    logits[1] = logs(.2, .8, .1, .2, .7);
    Case preset = levels(2, 3, logits);
    return new PublishedSystem(
        "A11",
        "SMILE, bi-level routing",
        "He et al. 2022",
        List.of("hand-computed vector", "two decisions taken one after the other"),
        List.of(
            "that the weight is the product", "that nodes share the inner router", "a capacity"),
        preset,
        "router.gate.of",
        spec -> Rewrite.routers(spec, r -> r.with(new Gate(Gate.Of.ONE, null, 1))),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                Answered answer = full(trial).get(0);
                assertEquals(0, answer.experts.get(MIXTURE)[0][0], "expert (0, 0)");
                assertEquals(.7 * .4, answer.gates.get(MIXTURE)[0][0], trial.tolerance().of(.28));
                assertEquals(5, answer.experts.get(MIXTURE)[1][0], "expert (1, 2)");
                assertEquals(.8 * .7, answer.gates.get(MIXTURE)[1][0], trial.tolerance().of(.56));
                expect(trial, "two levels", answer, 6, levelled(2, 3, logits));
              });
          for (int[] flat : new int[][] {{1, 3}, {3, 1}}) {
            Case three = levels(flat[0], flat[1], logits);
            Trial.of(
                kit,
                three,
                trial ->
                    expect(
                        trial,
                        "three in a row",
                        full(trial).get(0),
                        6,
                        levelled(flat[0], flat[1], logits)));
          }
        });
  }

  private static float[] logs(double... shares) {
    float[] logs = new float[shares.length];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = (float) Math.log(shares[i]);
    }
    return logs;
  }

  private static Case levels(int nodes, int each, float[][] logits) {
    int width = 7;
    Mixture mixture = new Mixture(nodes * each, unit(), Routers.smile(Gate.score()));
    Tiny tiny = Tiny.of(width, logits.length, Plan.of(Block.of(bare("mixture", mixture))));
    float[] table = new float[logits.length * width];
    int[] tokens = new int[logits.length];
    for (int row = 0; row < logits.length; row++) {
      System.arraycopy(logits[row], 0, table, row * width, 5);
      table[row * width + 5] = 1;
      tokens[row] = row;
    }
    tiny.give("embedding.tokens", table);
    float[] sums = new float[nodes * each * width];
    for (int e = 0; e < nodes * each; e++) {
      sums[e * width + e / each] = 1;
      sums[e * width + 2 + e % each] += 1;
      tiny.copier(MIXTURE + ".experts." + e, 5, 6, e + 1);
    }
    return tiny.give(MIXTURE + ".router.weight", sums).with(tokens);
  }

  private static double[] levelled(int nodes, int each, float[][] logits) {
    return Arrays.stream(logits)
        .mapToDouble(
            z -> {
              int node = best(z, 0, nodes);
              int expert = best(z, 2, each);
              double gate = share(z, 0, nodes, node) * share(z, 2, each, expert);
              return gate * (node * each + expert + 1);
            })
        .toArray();
  }

  private static int best(float[] z, int from, int count) {
    int best = 0;
    for (int i = 1; i < count; i++) {
      best = z[from + i] > z[from + best] ? i : best;
    }
    return best;
  }

  private static double share(float[] z, int from, int count, int choice) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += Math.exp(z[from + i]);
    }
    return Math.exp(z[from + choice]) / sum;
  }
}
