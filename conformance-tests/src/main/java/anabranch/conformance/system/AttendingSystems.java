package anabranch.conformance.system;

import static anabranch.conformance.system.Tiny.bare;
import static anabranch.conformance.system.Tiny.expect;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.space.Shapes;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Tolerance;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Operation;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Systems that route inside an attention, or by it or what it gave. Stateless. */
final class AttendingSystems {
  private static final String PATH = "blocks.0.attention";
  private static final String MERGED = "blocks.0.merged";
  private static final Pattern EXPERT =
      Pattern.compile("(.*)\\.([vo])\\.([0-9]+)\\.experts\\.0\\.weight");

  private AttendingSystems() {}

  static List<PublishedSystem> all() {
    return List.of(switchHead(), vcc(), zeroTPrune());
  }

  private static Attention projected(int heads, int width, int experts, Router router) {
    return Attention.causal(heads, width)
        .withProjections(new Attention.RoutedProjections(experts, router));
  }

  /**
   * Rows (x, three scores of values, three scores of results, y) and one head that reads means:
   * experts make 1, 10 and 100 times x of a row, and write 1, 2 and 4 times what is read to y.
   */
  private static PublishedSystem switchHead() {
    float log = (float) Math.log(3);
    Case preset =
        Tiny.of(
                8,
                2,
                Plan.of(Block.of(bare("attention", projected(1, 1, 3, Routers.switchHead(2))))))
            .give(
                "embedding.tokens",
                new float[] {1, 0, log, -5, -5, 0, log, 0, 2, log, -5, 0, 0, log, -5, 0})
            .give(PATH + ".v.0.router.weight", chosen(1))
            .give(PATH + ".o.0.router.weight", chosen(4))
            .give(PATH + ".v.0.experts.0.weight", 1, 0, 0, 0, 0, 0, 0, 0)
            .give(PATH + ".v.0.experts.1.weight", 10, 0, 0, 0, 0, 0, 0, 0)
            .give(PATH + ".v.0.experts.2.weight", 100, 0, 0, 0, 0, 0, 0, 0)
            .give(PATH + ".o.0.experts.0.weight", 0, 0, 0, 0, 0, 0, 0, 1)
            .give(PATH + ".o.0.experts.1.weight", 0, 0, 0, 0, 0, 0, 0, 2)
            .give(PATH + ".o.0.experts.2.weight", 0, 0, 0, 0, 0, 0, 0, 4)
            .with(new int[] {0, 1});
    return new PublishedSystem(
        "A08",
        "SwitchHead",
        "Csordas et al. 2023",
        List.of(
            "hand-computed vector",
            "executed rows",
            "steps equal one call",
            "one expert of gate 1 is plain attention"),
        List.of("queries and keys whose projections are routed, which the code offers too"),
        preset,
        "router.gate.normalise",
        spec ->
            Rewrite.routers(
                spec, r -> r.with(new Gate(Gate.Of.SIGMOID_OF_SELECTED, new Gate.Normalise(0), 1))),
        (kit, given) -> {
          Trial.of(
              kit,
              given,
              trial -> {
                ask(trial, given, "at once", trial.by(Policy.fullDepth()));
                ask(trial, given, "row by row", trial.by(Policy.fullDepth()).inSteps(1));
              });
          oneExpert(kit);
        });
  }

  /**
   * Rows (value, key, query, y, z); the first is kept, the others are in blocks of three, the last
   * of one. The attention writes the mean of the values, by {@code exp(query * key)}, to y; a
   * network adds ten times y to z. The mean keys of the blocks are ln 3, 0 and ln 2, so that the
   * first runs row by row and the second as (4, 0, 0, 2, 0), three times over.
   */
  private static PublishedSystem vcc() {
    Chain chain =
        Chain.of(bare("attention", Attention.full(1, 1)), bare("feedForward", Tiny.unit()));
    Operation merged = new Chain.Merged(3, 1, List.of(0), chain);
    float ln2 = (float) Math.log(2);
    float ln3 = (float) Math.log(3);
    Case preset =
        Tiny.of(5, 8, Plan.of(Block.of(bare("merged", merged))))
            .give(
                "embedding.tokens",
                new float[] {
                  0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 2, 2 * ln3, 1, 0, 0, 3, ln3, 0, 0, 0, 3, ln2, 1, 1,
                  0, 5, -ln2, -1, 3, 0, 4, 0, 0, 2, 0, 10, ln2, 1, 0, 0
                })
            .give(MERGED + ".attention.q.weight", 0, 0, 1, 0, 0)
            .give(MERGED + ".attention.k.weight", 0, 1, 0, 0, 0)
            .give(MERGED + ".attention.v.weight", 1, 0, 0, 0, 0)
            .give(MERGED + ".attention.o.weight", 0, 0, 0, 1, 0)
            .copier(MERGED + ".feedForward", 3, 4, 10)
            .with(new int[] {0, 1, 2, 3, 4, 5, 6, 7});
    return new PublishedSystem(
        "A36",
        "Vcc, blocks merged beside prioritised tokens",
        "Zeng et al. 2023",
        List.of(
            "hand-computed vector",
            "executed rows",
            "equal bits where the layer adds nothing",
            "all blocks row by row are full attention"),
        List.of(
            "important tokens that each text names; here positions",
            "a last block that is not full, which the code counts as a full one; here as its rows"),
        preset,
        "merged.fine",
        spec -> withFine(spec, 2),
        (kit, given) -> {
          Trial.of(kit, given, trial -> blocks(trial, given));
          counted(kit, given);
          lengths(kit, given);
          identity(kit, given);
          full(kit, given);
        });
  }

  private static ModelSpec withFine(ModelSpec spec, int fine) {
    return Rewrite.operations(
        spec,
        operation ->
            operation instanceof Chain.Merged m
                ? new Chain.Merged(m.size(), fine, m.kept(), m.chain())
                : operation);
  }

  /** Weights 1, 1, 9, 3, 3 and 2 where the query is 1, and 1, 1, 1, 1, 3 and 1 where it is 0. */
  private static void blocks(Trial trial, Case given) {
    Walk walk = trial.by(Policy.fullDepth());
    Answered answer = walk.run(given.sequences()).get(0);
    double one = 60.0 / 19;
    double none = 28.0 / 8;
    double[] y = {one, none, one, none, 1 + none, 3 + none, 2 + none, one};
    expect(trial, "restored", answer, 3, y);
    double block = 10 * (2 + none);
    double[] z = {10 * one, 35, 10 * one, 35, block, block, block, 10 * one};
    expect(trial, "the same for all of a block", answer, 4, z);
    int[][] alone = {{0}, {0}, {0}, {0}, {-1}, {-1}, {-1}, {-1}};
    assertArrayEquals(alone, answer.experts.get(MERGED), "rows that run for themselves");
    assertArrayEquals(new long[] {1 + 3 + 2}, walk.ran().get(MERGED), "rows of the layer");
  }

  /** Two equal keys, one of three rows, weigh 3/4 and 1/4. */
  private static void counted(Subject kit, Case given) {
    Case pair =
        new Case("pair", withFine(given.spec(), 0), given.weights(), List.of())
            .with(List.of(Sequence.of(Event.ofTokens(0, 4, 5, 6))));
    Trial.of(
        kit,
        pair,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(pair.sequences()).get(0);
          expect(trial, "counted", answer, 3, .75 * 4, 1 + .75 * 4, 3 + .75 * 4, 2 + .75 * 4);
        });
    Case last = given.with(List.of(Sequence.of(Event.ofTokens(0, 4, 5, 6, 7))));
    Trial.of(
        kit,
        last,
        trial -> {
          Answered answer = trial.by(Policy.fullDepth()).run(last.sequences()).get(0);
          int[][] alone = {{0}, {-1}, {-1}, {-1}, {0}};
          assertArrayEquals(alone, answer.experts.get(MERGED), "scores do not count rows");
        });
  }

  /** Rows of the layer are those of one block, one for each other block, and the kept one. */
  private static void lengths(Subject kit, Case given) {
    for (int blocks : new int[] {1, 2, 9, 40}) {
      int[] tokens = new int[1 + 3 * blocks];
      for (int i = 1; i < tokens.length; i++) {
        tokens[i] = i % 7 + 1;
      }
      Case text = given.with(List.of(Sequence.of(Event.ofTokens(tokens))));
      Trial.of(
          kit,
          text,
          trial -> {
            Walk walk = trial.by(Policy.fullDepth());
            walk.run(text.sequences());
            long[] rows = {3 + (blocks - 1) + 1};
            assertArrayEquals(rows, walk.ran().get(MERGED), "rows of " + blocks + " blocks");
          });
    }
  }

  private static void identity(Subject kit, Case given) {
    Case still =
        given.with(
            Shapes.changed(
                given.spec(),
                given.weights(),
                (name, tensor) ->
                    name.endsWith(".o.weight") || name.endsWith(".down.weight")
                        ? Shapes.filled(tensor, 0)
                        : tensor));
    Tensor table = given.weights().tensor("embedding.tokens");
    FloatBuffer expected = FloatBuffer.allocate((int) table.elements());
    table.copyTo(expected);
    Trial.of(
        kit,
        still,
        trial -> {
          float[][] logits = trial.by(Policy.fullDepth()).run(still.sequences()).get(0).logits;
          for (int row = 0; row < logits.length; row++) {
            float[] own = Arrays.copyOfRange(expected.array(), 5 * row, 5 * row + 5);
            trial.agree("row " + row + ", which is restored,", own, logits[row]);
          }
        });
  }

  private static void full(Subject kit, Case given) {
    ModelSpec plain =
        Rewrite.operations(given.spec(), o -> o instanceof Chain.Merged m ? m.chain() : o);
    List<Answered> answers = new ArrayList<>();
    for (ModelSpec spec : List.of(plain, withFine(given.spec(), 3))) {
      Case each = new Case("every block", spec, given.weights(), given.sequences());
      Trial.of(
          kit,
          each,
          trial -> {
            answers.add(trial.by(Policy.fullDepth()).run(each.sequences()).get(0));
            for (int row = 0; answers.size() == 2 && row < 8; row++) {
              float[] plainly = answers.get(0).logits[row];
              for (int place = 0; place < plainly.length; place++) {
                double allowed = trial.tolerance().of(plainly[place]);
                float found = answers.get(1).logits[row][place];
                assertEquals(plainly[place], found, allowed, "full attention, row " + row);
              }
            }
          });
    }
  }

  /** Returns three scores that stand at a place of the row. */
  private static float[] chosen(int first) {
    float[] weight = new float[3 * 8];
    for (int e = 0; e < 3; e++) {
      weight[e * 8 + first + e] = 1;
    }
    return weight;
  }

  /** Values .5 + 7.5 and 1.5 + 100; the first row reads 8, the second their mean. */
  private static void ask(Trial trial, Case given, String how, Walk walk) {
    Answered answer = walk.run(given.sequences()).get(0);
    expect(trial, how, answer, 7, 8 * (0.5 * 2 + 0.75 * 4), 54.75 * (0.5 + 0.75 * 2));
    int[][] values = {{1, 0}, {0, 2}};
    assertArrayEquals(values, answer.experts.get(PATH + ".v.0"), how + ": of values");
    int[][] results = {{2, 1}, {1, 0}};
    assertArrayEquals(results, answer.experts.get(PATH + ".o.0"), how + ": of results");
    for (float[] gates : answer.gates.get(PATH + ".v.0")) {
      assertArrayEquals(new float[] {.75f, .5f}, gates, 1e-6f, how + ": gates keep their sum 1.25");
    }
    assertArrayEquals(new long[] {2, 1, 1}, walk.ran().get(PATH + ".v.0"), how + ": values made");
    assertArrayEquals(new long[] {1, 2, 1}, walk.ran().get(PATH + ".o.0"), how + ": results made");
  }

  /** With one expert and gates of 1, heads' experts are parts of the plain projections. */
  private static void oneExpert(Subject kit) {
    int heads = 2;
    int width = 3;
    ModelSpec plain = Shapes.decoding(Attention.causal(heads, width));
    Case usual = Case.of(plain, 8, 7);
    Router one = Routers.switchHead(1).with(new Gate(Gate.Of.ONE, null, 1));
    ModelSpec spec = Shapes.decoding(projected(heads, width, 1, one));
    Case routed = new Case("one expert", spec, parts(spec, usual.weights()), usual.sequences());
    List<Answered> answers = new ArrayList<>();
    List<Tolerance> tolerances = new ArrayList<>();
    for (Case each : List.of(usual, routed)) {
      Trial.of(
          kit,
          each,
          trial -> {
            List<Answered> own = trial.by(Policy.fullDepth()).run(each.sequences());
            trial.judge(Policy.fullDepth(), own);
            answers.add(own.get(0));
            tolerances.add(trial.tolerance());
          });
    }
    for (int row = 0; row < answers.get(0).logits.length; row++) {
      for (int o = 0; o < answers.get(0).logits[row].length; o++) {
        float expected = answers.get(0).logits[row][o];
        double allowed = tolerances.get(0).of(expected);
        assertEquals(expected, answers.get(1).logits[row][o], allowed, "as plain, row " + row);
      }
    }
  }

  private static Weights parts(ModelSpec spec, Weights plain) {
    List<Tensor> tensors = new ArrayList<>();
    spec.parameters()
        .forEach(
            parameter -> {
              Matcher expert = EXPERT.matcher(parameter.name());
              if (plain.names().contains(parameter.name())) {
                tensors.add(plain.tensor(parameter.name()));
              } else {
                float[] values = new float[(int) parameter.elements()];
                if (expert.matches()) {
                  String name = expert.group(1) + "." + expert.group(2) + ".weight";
                  part(plain.tensor(name), expert, parameter.shape(), values);
                }
                tensors.add(MemoryWeights.tensor(parameter.name(), parameter.shape(), values));
              }
            });
    return MemoryWeights.of(tensors);
  }

  /** Copies the rows of a head's values, or the columns of a head's results. */
  private static void part(Tensor whole, Matcher expert, List<Integer> shape, float[] into) {
    FloatBuffer from = FloatBuffer.allocate((int) whole.elements());
    whole.copyTo(from);
    boolean values = expert.group(2).equals("v");
    int columns = whole.shape().get(1);
    int head = Integer.parseInt(expert.group(3));
    for (int r = 0; r < shape.get(0); r++) {
      for (int c = 0; c < shape.get(1); c++) {
        int row = values ? head * shape.get(0) + r : r;
        int column = values ? c : head * shape.get(1) + c;
        into[r * shape.get(1) + c] = from.get(row * columns + column);
      }
    }
  }

  /**
   * Rows (k, l, 1, c, d), of which row 0 stays. Heads give rows parts like 4^k, like 4^l, all to
   * those with l = 1, and the same to all; only those of the first two vary within the bounds. At
   * the end the mean of c is added to d.
   */
  private static PublishedSystem zeroTPrune() {
    GraphRank rank = new GraphRank(GraphRank.Direction.TO_READ, 30, 1e-6, 0.01, 0.1);
    List<Integer> kept = List.of(0);
    Block graph = Block.of(bare("attention", Attention.full(4, 1)));
    Plan plan =
        Plan.builder()
            .add(graph)
            .add(Prune.graphRank("first", kept, rank))
            .add(graph)
            .add(Prune.redundancy("distinct", kept, rank, Prune.Compared.ROWS))
            .add(graph)
            .add(Prune.graphRank("last", kept, rank))
            .add(Block.of(bare("attention", Attention.full(1, 1))))
            .build();
    float four = (float) Math.log(4);
    Tiny tiny =
        Tiny.of(5, 4, plan, Head.Pool.MEAN)
            .give(
                "embedding.tokens",
                new float[] {0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 1, 0, 2, 0, 1, 1, 3, 0})
            .give("blocks.3.attention.v.weight", 0, 0, 0, 1, 0)
            .give("blocks.3.attention.o.weight", 0, 0, 0, 0, 1);
    for (int block = 0; block < 3; block++) {
      String path = "blocks." + block + ".attention";
      tiny.give(
              path + ".q.weight",
              new float[] {0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0})
          .give(
              path + ".k.weight",
              new float[] {four, 0, 0, 0, 0, 0, four, 0, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0});
    }
    Case preset =
        tiny.with(
            new int[] {0, 1, 2, 1, 3},
            new int[] {1, 1, 1, 1},
            new int[] {0, 2, 2, 3},
            new int[] {2, 2});
    return new PublishedSystem(
        "A27",
        "Zero-TPrune",
        "Wang et al. 2024",
        List.of("hand-computed vector", "properties", "equal bits"),
        List.of(
            "the direction of flow, when it stops and the vectors compared, which must be said",
            "the order of stages, which is the plan's, each behind an attention of its own",
            "whose variance is bounded and how rows are split; here a head's ranks, and halves"),
        preset,
        "prune.rank.direction",
        spec -> ranked(spec, new GraphRank(GraphRank.Direction.TO_READERS, 30, 1e-6, 0.01, 0.1)),
        (kit, given) -> {
          Trial.of(kit, given, AttendingSystems::rowsThatCount);
          everybodyIsEqual(kit, given);
          keepingAllIsNotPruning(kit, given);
        });
  }

  private static ModelSpec ranked(ModelSpec spec, GraphRank rank) {
    return Rewrite.parts(
        spec,
        part ->
            part instanceof Prune prune && prune.rank() != null
                ? new Prune(prune.id(), prune.score(), prune.kept(), rank, prune.compared())
                : part);
  }

  private static void rowsThatCount(Trial trial) {
    List<Sequence> sequences = trial.subject.sequences();
    Policy first = Policy.named("first").with("first", 0.6);
    List<Answered> ranked = trial.by(first).run(sequences);
    trial.judge(first, ranked);
    // A hub is given 4/8 by one head and 1/8 by the other, any other row 1/8 by both.
    double hub = Math.sqrt((0.25 + 1 / 64.0) / 2);
    scored(trial, ranked.get(0), 0, 0.125, 0.125, hub, 0.125, hub);
    stay(ranked.get(0), 0, 0, 2, 4);
    expect(trial, "c of rows 0, 2, 4", ranked.get(0), 3, 1);
    expect(trial, "d of them, and c", ranked.get(0), 4, 5 / 3.0);
    scored(trial, ranked.get(1), 0, 0, 0, 0, 0);
    stay(ranked.get(1), 0, 0, 1, 2);
    Policy distinct = Policy.named("distinct").with("distinct", 0.75);
    List<Answered> apart = trial.by(distinct).run(sequences);
    trial.judge(distinct, apart);
    // Heads give 1, 4, 4, 1 tenths and 1, 1, 1, 4 sevenths: row 3 and the first of two equal ones.
    double equal = 2 + Math.sqrt((0.16 + 1 / 49.0) / 2);
    double most = 2 + Math.sqrt((0.01 + 16 / 49.0) / 2);
    scored(trial, apart.get(2), 1, -1 / Math.sqrt(6), equal, -1, most);
    stay(apart.get(2), 1, 0, 1, 3);
    Policy half = Policy.named("half").with("distinct", 0.5);
    stay(trial.by(half).run(sequences).get(2), 1, 0, 3);
    stay(trial.by(half).run(sequences).get(3), 1, 0);
    Policy one = Policy.named("one").with("last", 0.01);
    for (Answered answer : trial.by(one).run(sequences)) {
      stay(answer, 2, 0);
    }
    Policy all = Policy.named("all").with("first", 0.8).with("distinct", 0.7).with("last", 0.6);
    trial.judge(all, trial.by(all).run(sequences));
  }

  /**
   * Where every head counts, rows that all read alike have one score, and the earlier ones stay.
   */
  private static void everybodyIsEqual(Subject kit, Case given) {
    GraphRank.Direction direction = GraphRank.Direction.TO_READ;
    ModelSpec spec = ranked(given.spec(), new GraphRank(direction, 30, 0, 0, 1));
    Case open = new Case(given.name(), spec, given.weights(), given.sequences());
    Trial.of(
        kit,
        open,
        trial -> {
          Policy policy = Policy.named("first").with("first", 0.5);
          Answered answer = trial.by(policy).run(open.sequences()).get(1);
          scored(trial, answer, 0, 0.25, 0.25, 0.25, 0.25);
          for (int row = 1; trial.repeatable() && row < 4; row++) {
            assertEquals(answer.scores[0][0], answer.scores[0][row], "row " + row);
          }
          tied(trial, answer, 0, 0, 1);
        });
  }

  private static void keepingAllIsNotPruning(Subject kit, Case given) {
    List<Answered> unpruned = new ArrayList<>();
    Case without =
        new Case(
            given.name(),
            Rewrite.parts(given.spec(), part -> part instanceof Prune ? null : part),
            given.weights(),
            given.sequences());
    Trial.of(
        kit,
        without,
        trial -> unpruned.addAll(trial.by(Policy.fullDepth()).run(without.sequences())));
    Trial.of(
        kit,
        given,
        trial -> {
          Policy all = Policy.named("all").with("first", 1).with("distinct", 1).with("last", 1);
          trial.agree("all kept", unpruned, trial.by(all).run(given.sequences()));
        });
  }

  private static void scored(Trial trial, Answered answer, int step, double... expected) {
    for (int row = 0; row < expected.length; row++) {
      double allowed = trial.tolerance().of(expected[row]);
      assertEquals(expected[row], answer.scores[step][row], allowed, "score of row " + row);
    }
  }

  /** Of equal scores the first stay, where rounding leaves them equal. */
  private static void tied(Trial trial, Answered answer, int step, Integer... positions) {
    if (trial.repeatable()) {
      stay(answer, step, positions);
    }
  }

  private static void stay(Answered answer, int step, Integer... positions) {
    assertEquals(List.of(positions), answer.kept.get(step), "rows that stay at step " + step);
  }
}
