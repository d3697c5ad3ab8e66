package anabranch.conformance.system.stored;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static anabranch.conformance.system.Tiny.identity;
import static anabranch.conformance.system.Tiny.unit;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Tiny;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Trial;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Parameter;
import anabranch.model.plan.Plan;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Systems of which some tensors are computed from others. Stateless. */
public final class DerivedSystems {
  private static final String MIXTURE = "blocks.0.mixture";
  private static final int CELLS = 6;
  private static final int EACH = 2;
  private static final float[] KEYS = {1, 0, -1, 1, 2, 1, 0, -1, 0.5f, 0.5f, -2, 3};
  private static final float[] VALUES = {1, -1, 2, 0.5f, 1, 3, 0.25f, 1, -1, 2, 1, -2};
  private static final float[] ROWS = {1, 2, -1, 0.5f, 2, -1, -0.5f, -1};

  private DerivedSystems() {}

  /** Returns the systems. */
  public static List<PublishedSystem> all() {
    return List.of(sparseMixer(), averageKeys());
  }

  private static Answered only(Trial trial) {
    return trial.by(Policy.fullDepth()).run(trial.subject.sequences()).get(0);
  }

  /**
   * Rows with x = 1 in place 0 and three logits behind it; expert e writes (e + 1) x to places 4
   * and 5, whose learned scales are 1.5 and 0.25.
   */
  private static Case mixed(Router router) {
    Mixture mixture = new Mixture(3, unit(), router);
    Case tiny = Tiny.of(6, 2, Plan.of(Block.of(bare("mixture", mixture)))).with(new int[] {0, 1});
    Made made =
        Made.of(tiny.spec(), DerivedSystems::rescaled)
            .with("embedding.tokens", 1, 2, 1.9f, 0.5f, 0, 0, 1, 1, 0.9f, 0.85f, 0, 0)
            .with("head.weight", identity(6))
            .with(MIXTURE + ".router.weight", 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0)
            .with("omega", 1, 1, 1, 1, 1.5f, 0.25f);
    for (int e = 0; e < 3; e++) {
      made =
          made.with(MIXTURE + ".experts." + e + ".up.weight", 1, 0, 0, 0, 0, 0)
              .with(MIXTURE + ".experts." + e + ".down.weight", 0, 0, 0, 0, e + 1, e + 1);
    }
    return made.in(tiny);
  }

  /** The learned scale of the results is one of the rows of every expert's last matrix. */
  private static float[] rescaled(Parameter parameter, Map<String, float[]> stored) {
    float[] values = stored.getOrDefault(parameter.name(), new float[0]).clone();
    float[] omega = stored.getOrDefault("omega", new float[0]);
    if (parameter.name().endsWith(".down.weight")) {
      for (int i = 0; i < values.length; i++) {
        values[i] *= omega[i];
      }
    }
    return values;
  }

  private static PublishedSystem sparseMixer() {
    double near = 1 / (1 + Math.exp(-0.1));
    double all = 1 / (1 + Math.exp(-0.1) + Math.exp(-0.15));
    return new PublishedSystem(
        "A07",
        "SparseMixer",
        "Liu et al. 2023",
        List.of("hand-computed vector"),
        List.of(),
        mixed(Routers.sparseMixerTop1(0.1)),
        "router.gate.jitter",
        spec -> Rewrite.routers(spec, r -> r.with(Gate.softmaxOfNear(0.5))),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                assertEquals(.524979, near, 1e-6);
                expect(trial, "scaled by 1.5", only(trial), 4, 1.5 * near, 1.5 * all);
                expect(trial, "scaled by .25", only(trial), 5, .25 * near, .25 * all);
              });
          double second = 1 / (1 + Math.exp(-0.05));
          Case two = mixed(Routers.sparseMixer(0.1));
          Trial.of(
              kit,
              two,
              trial ->
                  expect(
                      trial,
                      "two of three",
                      only(trial),
                      4,
                      1.5 * (near + 2),
                      1.5 * (all + 2 * second)));
        });
  }

  /** A network of six cells in three blocks; a block is worth the product with its mean key. */
  private static PublishedSystem averageKeys() {
    Gate one = new Gate(Gate.Of.ONE, null, 1);
    Case tiny = blocks(Routers.averageKeys(1, one));
    Made cells = cells(tiny.spec());
    return new PublishedSystem(
        "A13",
        "Avg-K, blocks by their mean keys",
        "Liu et al. 2023",
        List.of("computed directly, cell by cell", "the dense network"),
        List.of("whether a block is weighed; here it is not"),
        cells.in(tiny),
        "router.selection.k",
        spec -> Rewrite.routers(spec, r -> r.with(new Selection.TopK(2))),
        (kit, given) -> {
          sparse(kit, cells.in(given), KEYS, 1);
          float[] others = KEYS.clone();
          others[10] = 2;
          others[11] = -3;
          assertNotEquals(
              Arrays.toString(taken(KEYS)), Arrays.toString(taken(others)), "other keys");
          sparse(kit, cells.with("keys", others).in(given), others, 1);
          Case three = blocks(Routers.averageKeys(3, one));
          sparse(kit, cells(three.spec()).in(three), KEYS, 3);
          dense(kit);
        });
  }

  private static Case blocks(Router router) {
    FeedForward expert = FeedForward.plain(EACH, Activation.RELU);
    Mixture mixture = new Mixture(CELLS / EACH, expert, router);
    return Tiny.of(2, ROWS.length / 2, Plan.of(Block.of(bare("mixture", mixture))))
        .with(new int[] {0, 1, 2, 3});
  }

  private static Made cells(ModelSpec spec) {
    return Made.of(spec, DerivedSystems::sliced)
        .with("embedding.tokens", ROWS)
        .with("head.weight", identity(2))
        .with("keys", KEYS)
        .with("values", VALUES);
  }

  /** A key is a row of the first matrix, a value a column of the second. */
  private static float[] sliced(Parameter parameter, Map<String, float[]> stored) {
    String name = parameter.name();
    float[] keys = stored.getOrDefault("keys", new float[0]);
    if (name.endsWith(".router.weight")) {
      return means(keys);
    } else if (!name.startsWith(MIXTURE)) {
      return stored.getOrDefault(name, new float[0]);
    }
    int first = EACH * Integer.parseInt(name.split("\\.")[4]);
    if (name.endsWith(".up.weight")) {
      return Arrays.copyOfRange(keys, 2 * first, 2 * (first + EACH));
    }
    float[] values = stored.getOrDefault("values", new float[0]);
    float[] down = new float[2 * EACH];
    for (int cell = 0; cell < EACH; cell++) {
      down[cell] = values[2 * (first + cell)];
      down[EACH + cell] = values[2 * (first + cell) + 1];
    }
    return down;
  }

  private static float[] means(float[] keys) {
    float[] means = new float[keys.length / EACH];
    for (int cell = 0; cell < CELLS; cell++) {
      for (int i = 0; i < 2; i++) {
        means[cell / EACH * 2 + i] += keys[2 * cell + i] / EACH;
      }
    }
    return means;
  }

  private static void sparse(Subject kit, Case given, float[] keys, int k) {
    Trial.of(
        kit,
        given,
        trial -> {
          Answered answer = only(trial);
          if (k == 1) {
            int[][] rows = answer.experts.get(MIXTURE);
            int[] first = Arrays.stream(rows).mapToInt(row -> row[0]).toArray();
            assertEquals(Arrays.toString(taken(keys)), Arrays.toString(first), "blocks");
          }
          expect(trial, "place 0", answer, 0, exact(keys, k, 0));
          expect(trial, "place 1", answer, 1, exact(keys, k, 1));
        });
  }

  /** The whole network without blocks is what all blocks are together. */
  private static void dense(Subject kit) {
    FeedForward whole = FeedForward.plain(CELLS, Activation.RELU);
    float[] down = new float[2 * CELLS];
    for (int cell = 0; cell < CELLS; cell++) {
      down[cell] = VALUES[2 * cell];
      down[CELLS + cell] = VALUES[2 * cell + 1];
    }
    Case dense =
        Tiny.of(2, ROWS.length / 2, Plan.of(Block.of(bare("network", whole))))
            .give("embedding.tokens", ROWS)
            .give("blocks.0.network.up.weight", KEYS)
            .give("blocks.0.network.down.weight", down)
            .with(new int[] {0, 1, 2, 3});
    Trial.of(
        kit,
        dense,
        trial -> {
          expect(trial, "dense place 0", only(trial), 0, exact(KEYS, 3, 0));
          expect(trial, "dense place 1", only(trial), 1, exact(KEYS, 3, 1));
        });
  }

  private static double[] exact(float[] keys, int k, int place) {
    double[] exact = new double[ROWS.length / 2];
    int[] best = taken(keys);
    for (int row = 0; row < exact.length; row++) {
      exact[row] = ROWS[2 * row + place];
      for (int cell = 0; cell < CELLS; cell++) {
        if (k == 3 || cell / EACH == best[row]) {
          exact[row] += Math.max(score(keys, row, cell), 0) * VALUES[2 * cell + place];
        }
      }
    }
    return exact;
  }

  /** Returns the block of each row whose cells' scores have the greatest mean. */
  private static int[] taken(float[] keys) {
    int[] taken = new int[ROWS.length / 2];
    for (int row = 0; row < taken.length; row++) {
      double most = Double.NEGATIVE_INFINITY;
      for (int block = 0; block < CELLS / EACH; block++) {
        double sum = 0;
        for (int cell = 0; cell < EACH; cell++) {
          sum += score(keys, row, block * EACH + cell);
        }
        taken[row] = sum > most ? block : taken[row];
        most = Math.max(most, sum);
      }
    }
    return taken;
  }

  private static double score(float[] keys, int row, int cell) {
    return keys[2 * cell] * ROWS[2 * row] + keys[2 * cell + 1] * ROWS[2 * row + 1];
  }
}
