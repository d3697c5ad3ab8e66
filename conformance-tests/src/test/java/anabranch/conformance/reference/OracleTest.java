package anabranch.conformance.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import anabranch.backend.Event;
import anabranch.conformance.reference.AttentionPart.Shown;
import anabranch.conformance.reference.Verdict.Choice;
import anabranch.engine.Policy;
import anabranch.model.Activation;
import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Operation;
import anabranch.model.Parameter;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Whole models small enough to be computed on paper; vectors have two numbers. */
class OracleTest {
  private static final Head EACH = new Head(Head.Pool.EACH, null, 2, false);

  /** The table of tokens is the identity: token 0 is (1, 0), token 1 is (0, 1). */
  private static final Map<String, float[]> IDENTITIES =
      Map.of(
          "embedding.tokens", values(1, 0, 0, 1),
          "exits.a.weight", values(1, 0, 0, 1),
          "head.weight", values(0, 1, 1, 0));

  /**
   * Queries are 0, so attention is the mean of v = 2 x0 + 4 x1, added to x0.
   *
   * <pre>
   * row 0 (1, 0): v 2, mean 2        -> (3, 0)     row 1 (0, 1): v 4, mean (2+4)/2 = 3   -> (3, 1)
   *     exit a: logits are the vector
   * row 0 (3, 0): v 6, mean 6        -> (9, 0)     row 1 (3, 1): v 10, mean (6+10)/2 = 8 -> (11, 1)
   * row 0 (9, 0): v 18, mean 18      -> (27, 0)    row 1 (11, 1): v 26, mean 22          -> (33, 1)
   *     with row 0 frozen at (3, 0): v 6                             mean (6+26)/2 = 16  -> (27, 1)
   * the final head swaps the two numbers
   * </pre>
   */
  @Test
  void frozenRowsShowWhatTheyLeftWith() {
    Attention attention = Attention.causal(1, 1);
    ModelSpec spec =
        spec(
            EACH,
            block(attention),
            new Exit("a", EACH, Exit.Criterion.confidence(), Exit.Bypass.FREEZE_PROJECT),
            block(attention),
            block(attention));
    Oracle oracle = new Oracle(spec, averaging(spec));
    Event event = Event.ofTokens(0, 1);

    Verdict full = oracle.run(event, Decisions.by(Map.of()));
    assertArrayEquals(new double[] {0, 27}, full.logits(0), 1e-12);
    assertArrayEquals(new double[] {1, 33}, full.logits(1), 1e-12);
    assertEquals(3, full.depth(1));

    Verdict frozen = oracle.run(event, Decisions.exits(List.of(0, 1)));
    assertArrayEquals(new double[] {3, 0}, frozen.logits(0), 1e-12);
    assertArrayEquals(new double[] {1, 27}, frozen.logits(1), 1e-12);
    assertEquals(1, frozen.depth(0));
    assertEquals(0, frozen.exit(0));
    assertEquals(1, frozen.exit(1));

    double confidence = 1 / (1 + Math.exp(-3)); // softmax of (3, 0)
    assertEquals(confidence, frozen.score(0, 0), 1e-12);
    assertEquals(1 / (1 + Math.exp(-2)), frozen.score(0, 1), 1e-12);
    Policy between = Policy.named("between").with("a", 0.9);
    assertArrayEquals(
        new double[] {1, 27},
        oracle.run(event, Decisions.by(between.thresholds())).logits(1),
        1e-12);
  }

  /** The same with every row a key for every other: row 0 reads (2+4)/2 = 3, so it is (4, 0). */
  @Test
  void fullAttentionReadsLaterRows() {
    ModelSpec spec = spec(EACH, block(Attention.full(1, 1)));
    Verdict verdict =
        new Oracle(spec, averaging(spec)).run(Event.ofTokens(0, 1), Decisions.by(Map.of()));
    assertArrayEquals(new double[] {0, 4}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {1, 3}, verdict.logits(1), 1e-12);
  }

  /** After that block the rows are (4, 0) and (3, 1): their mean is (3.5, 0.5). */
  @Test
  void poolsAreOverAllRows() {
    Map<Head.Pool, double[]> expected =
        Map.of(
            Head.Pool.FIRST, new double[] {0, 4},
            Head.Pool.LAST, new double[] {1, 3},
            Head.Pool.MEAN, new double[] {0.5, 3.5});
    expected.forEach(
        (pool, logits) -> {
          ModelSpec spec = spec(new Head(pool, null, 2, false), block(Attention.full(1, 1)));
          Verdict verdict =
              new Oracle(spec, averaging(spec)).run(Event.ofTokens(0, 1), Decisions.by(Map.of()));
          assertEquals(1, verdict.units());
          assertArrayEquals(logits, verdict.logits(0), 1e-12, pool.toString());
        });
  }

  /**
   * Token 0 is (1, 0): logits (2, 0), so expert 0 wins with g = 1/(1+e^-2). Expert e answers (e+1,
   * 0) * max(x0 + x1, 0): the row becomes (1 + g, 0). A row that left has no choice. The block
   * before is all zeros and adds nothing.
   */
  @Test
  void mixturesWeighTheExpertTheyPick() {
    Mixture mixture = new Mixture(2, FeedForward.plain(1, Activation.RELU), Routers.switchTop1());
    ModelSpec spec =
        spec(
            EACH,
            block(FeedForward.plain(1, Activation.RELU)),
            new Exit("a", EACH, Exit.Criterion.confidence(), Exit.Bypass.TERMINATE),
            block(mixture));
    Map<String, float[]> expert =
        Map.of(
            "blocks.1.mixture.router.weight", values(2, 0, 0, 2),
            "blocks.1.mixture.experts.0.up.weight", values(1, 1),
            "blocks.1.mixture.experts.1.up.weight", values(1, 1),
            "blocks.1.mixture.experts.0.down.weight", values(1, 0),
            "blocks.1.mixture.experts.1.down.weight", values(2, 0));
    Oracle oracle = new Oracle(spec, weights(spec, expert));
    Verdict verdict = oracle.run(Event.ofTokens(0, 1), Decisions.exits(List.of(1, 0)));
    double g = 1 / (1 + Math.exp(-2));
    assertArrayEquals(new double[] {0, 1 + g}, verdict.logits(0), 1e-12);
    Choice choice = Objects.requireNonNull(verdict.choice("blocks.1.mixture", 0));
    assertEquals(List.of(0), choice.experts());
    assertEquals(g - (1 - g), choice.margin(), 1e-12);
    assertNull(verdict.choice("blocks.1.mixture", 1));

    Decisions other =
        Decisions.exits(List.of(1, 0))
            .withExperts(Map.of("blocks.1.mixture", List.of(List.of(1), List.of())));
    assertArrayEquals(
        new double[] {0, 1 + (1 - g) * 2},
        oracle.run(Event.ofTokens(0, 1), other).logits(0),
        1e-12);
  }

  /**
   * Order 2, three tokens, begin 2, four buckets: keys 1 + 3*2 = 7 and 0 + 3*1 = 3 hash to rows 1
   * and 3; row i of the table is i and is added to x0.
   */
  @Test
  void ngramsReachLeftOfTheSequence() {
    ModelSpec spec =
        new ModelSpec(
            "paper",
            2,
            new Input.Tokens(3, 4),
            Embedding.plain().withNgrams(new Embedding.Ngrams(List.of(2), 4, 1, 2)),
            new Plan(List.of(block(FeedForward.plain(1, Activation.RELU)))),
            EACH);
    Map<String, float[]> tables =
        Map.of(
            "embedding.tokens", values(0, 0, 0, 0, 0, 0),
            "embedding.ngrams.2", values(0, 1, 2, 3),
            "embedding.ngrams.projection", values(1, 0));
    Verdict verdict =
        new Oracle(spec, weights(spec, tables)).run(Event.ofTokens(1, 0), Decisions.by(Map.of()));
    assertArrayEquals(new double[] {0, 1}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {0, 3}, verdict.logits(1), 1e-12);
  }

  /** All projections are the identity; a query (0, 1) turned by 1 radian is (-sin 1, cos 1). */
  @Test
  void rotaryTurnsTheHalvesOfAHead() {
    AttentionPart part = part(Attention.causal(1, 2).withRotary(10000), 2, 1, 0, 0, 1);
    Shown before = part.show(new double[] {1, 0}, 0);
    Shown own = part.show(new double[] {0, 1}, 1);
    double[] read = part.read(new double[] {0, 1}, 1, List.of(before, own));
    double[] expected =
        Arithmetic.softmax(new double[] {-Math.sin(1) / Math.sqrt(2), 1 / Math.sqrt(2)});
    assertArrayEquals(expected, read, 1e-12);
  }

  /** Base 100 at position 2: elements 0 and 2 turn by 2 radians, 1 and 3 by 2/100^(1/2) = 0.2. */
  @Test
  void rotaryTurnsLaterElementsMoreSlowly() {
    float[] identity = values(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1);
    AttentionPart part = part(Attention.causal(1, 4).withRotary(100), 4, identity);
    assertArrayEquals(
        new double[] {Math.cos(2), Math.cos(0.2), Math.sin(2), Math.sin(0.2)},
        part.show(new double[] {1, 1, 0, 0}, 2).key(),
        1e-12);
  }

  /**
   * Four heads of width 1 read two values (x0, x1): the first two the one, the others the other.
   */
  @Test
  void consecutiveHeadsShareKeysAndValues() {
    Attention attention = Attention.causal(4, 1).withKeyValueHeads(2);
    List<Tensor> tensors = new ArrayList<>();
    attention.parameters(
        "p",
        2,
        parameter -> {
          float[] numbers =
              switch (parameter.name()) {
                case "p.q.weight" -> new float[8];
                case "p.o.weight" -> values(1, 1, 0, 0, 0, 0, 1, 1);
                default -> values(1, 0, 0, 1);
              };
          tensors.add(MemoryWeights.tensor(parameter.name(), parameter.shape(), numbers));
        });
    AttentionPart part =
        new AttentionPart(attention, "p", new Parameters(MemoryWeights.of(tensors)));
    double[] x = {3, 5};
    assertArrayEquals(new double[] {6, 10}, part.read(x, 0, List.of(part.show(x, 0))), 1e-12);
  }

  private static AttentionPart part(Attention attention, int width, float... matrix) {
    List<Tensor> tensors = new ArrayList<>();
    attention.parameters(
        "p",
        width,
        parameter ->
            tensors.add(MemoryWeights.tensor(parameter.name(), parameter.shape(), matrix)));
    return new AttentionPart(attention, "p", new Parameters(MemoryWeights.of(tensors)));
  }

  private static float[] values(float... values) {
    return values;
  }

  private static Block block(Operation operation) {
    return Block.of(new Sublayer(Sublayer.nameOf(operation), null, operation, null, null));
  }

  private static ModelSpec spec(Head head, Plan.Part... parts) {
    return new ModelSpec(
        "paper", 2, new Input.Tokens(2, 4), Embedding.plain(), new Plan(List.of(parts)), head);
  }

  private static Weights averaging(ModelSpec spec) {
    return weights(spec, Map.of());
  }

  /** Returns given tensors, the identities, averaging attention, and zeros for all others. */
  private static Weights weights(ModelSpec spec, Map<String, float[]> given) {
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      String name = parameter.name();
      float[] numbers = given.getOrDefault(name, IDENTITIES.get(name));
      if (numbers == null) {
        numbers =
            name.endsWith("attention.v.weight")
                ? values(2, 4)
                : name.endsWith("attention.o.weight")
                    ? values(1, 0)
                    : new float[(int) parameter.elements()];
      }
      tensors.add(MemoryWeights.tensor(name, parameter.shape(), numbers));
    }
    return MemoryWeights.of(tensors);
  }
}
