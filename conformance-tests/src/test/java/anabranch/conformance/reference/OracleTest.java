package anabranch.conformance.reference;

import static anabranch.conformance.reference.Paper.EACH;
import static anabranch.conformance.reference.Paper.block;
import static anabranch.conformance.reference.Paper.spec;
import static anabranch.conformance.reference.Paper.values;
import static anabranch.conformance.reference.Paper.weights;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Event;
import anabranch.conformance.reference.route.Choice;
import anabranch.model.Embedding;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Whole models small enough to be computed on paper. */
class OracleTest {
  private static final FeedForward NETWORK = FeedForward.plain(1, Activation.RELU);

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
    Oracle oracle = threeAttentions(Bypass.FREEZE_PROJECT);
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
    assertArrayEquals(
        new double[] {1, 27}, oracle.run(event, Decisions.by(Map.of("a", 0.9))).logits(1), 1e-12);
  }

  /**
   * Row 0 keeps showing the 2 of the first attention: (3, 1) reads (2+10)/2 = 6 -> (9, 1), then
   * (2+22)/2 = 12 -> (21, 1).
   */
  @Test
  void sharingRowsShowAgainWhatTheyShowedLast() {
    assertLeftBehind(Bypass.FREEZE_SHARE_KV, 21);
  }

  /** Row 1 is alone: (3, 1) reads 10 -> (13, 1), then 30 -> (43, 1). */
  @Test
  void maskedRowsShowNothing() {
    assertLeftBehind(Bypass.MASK, 43);
  }

  /** Row 1 reads what it reads at full depth. */
  @Test
  void deferredRowsRunOnWithTheAnswerTheyHave() {
    assertLeftBehind(Bypass.DEFER_RECOMPUTE, 33);
  }

  private static void assertLeftBehind(Bypass bypass, double expected) {
    Verdict verdict =
        threeAttentions(bypass).run(Event.ofTokens(0, 1), Decisions.exits(List.of(0, 1)));
    assertArrayEquals(new double[] {3, 0}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {1, expected}, verdict.logits(1), 1e-12);
    assertEquals(1, verdict.depth(0));
    assertEquals(3, verdict.depth(1));
  }

  /** The same rows one event behind the other; what left first is still read. */
  @Test
  void laterEventsReadTheRowsOfEarlierOnes() {
    List<Event> events = List.of(Event.ofTokens(0), Event.ofTokens(1).at(1));
    Map<Bypass, Double> expected =
        Map.of(
            Bypass.FREEZE_PROJECT, 27.0,
            Bypass.FREEZE_SHARE_KV, 21.0,
            Bypass.MASK, 43.0,
            Bypass.DEFER_RECOMPUTE, 33.0);
    expected.forEach(
        (bypass, number) -> {
          Verdict verdict = threeAttentions(bypass).run(events, Decisions.exits(List.of(0, 1)));
          assertEquals(2, verdict.units());
          assertArrayEquals(new double[] {3, 0}, verdict.logits(0), 1e-12);
          assertArrayEquals(new double[] {1, number}, verdict.logits(1), 1e-12, "" + bypass);
        });
    assertThrows(
        IllegalArgumentException.class,
        () ->
            threeAttentions(Bypass.MASK)
                .run(List.of(Event.ofTokens(0), Event.ofTokens(1)), Decisions.by(Map.of())));
  }

  private static Oracle threeAttentions(Bypass bypass) {
    Attention attention = Attention.causal(1, 1);
    ModelSpec spec =
        spec(
            EACH,
            Plan.builder()
                .add(block(attention))
                .add(new Exit("a", EACH, Criterion.confidence(), bypass))
                .add(block(attention))
                .add(block(attention))
                .build());
    return new Oracle(spec, weights(spec, Map.of()));
  }

  /** The same with every row a key for every other: row 0 reads (2+4)/2 = 3, so it is (4, 0). */
  @Test
  void fullAttentionReadsLaterRows() {
    ModelSpec spec = spec(EACH, Plan.of(block(Attention.full(1, 1))));
    Verdict verdict = run(spec, Map.of(), 0, 1);
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
          ModelSpec spec =
              spec(new Head(pool, null, 2, false), Plan.of(block(Attention.full(1, 1))));
          Verdict verdict = run(spec, Map.of(), 0, 1);
          assertEquals(1, verdict.units());
          assertArrayEquals(logits, verdict.logits(0), 1e-12, pool.toString());
        });
  }

  /** Four rows of two numbers: weights (1, 2, .. 8) of (2,0)(1,1)(2,0)(1,1) = 2 + 7 + 10 + 15. */
  @Test
  void flatteningHeadsReadEveryRow() {
    Head head = new Head(Head.Pool.FLATTEN, null, 1, false);
    ModelSpec spec = spec(head, Plan.of(block(NETWORK)));
    Map<String, float[]> weights = Map.of("head.weight", values(1, 2, 3, 4, 5, 6, 7, 8));
    assertArrayEquals(new double[] {34}, run(spec, weights, 0, 1, 0, 1).logits(0), 1e-12);
    assertThrows(IllegalArgumentException.class, () -> run(spec, weights, 0, 1, 0));
  }

  /** (2, 0) of token 0: normed by sqrt(2 + 7) to (2/3, 0), hidden tanh(3 * 2/3 + 1) = tanh 3. */
  @Test
  void headsHaveAHiddenLayer() {
    Head head = new Head(Head.Pool.EACH, new Norm.Rms(7), 1, true).withHidden(1, Activation.TANH);
    ModelSpec spec = spec(head, Plan.of(block(NETWORK)));
    Map<String, float[]> weights =
        Map.of(
            "head.norm.weight", values(1, 1),
            "head.hidden.weight", values(3, 0),
            "head.hidden.bias", values(1),
            "head.weight", values(2),
            "head.bias", values(5));
    assertArrayEquals(new double[] {2 * Math.tanh(3) + 5}, run(spec, weights, 0).logits(0), 1e-12);
  }

  /** (2, 0) by (3, 0; 0, 1) plus 1 is (7, 1), and half of it. */
  @Test
  void logitsAreMultipliedWithTheirBias() {
    ModelSpec spec =
        spec(new Head(Head.Pool.EACH, null, 2, true).withMultiplier(0.5), Plan.of(block(NETWORK)));
    Map<String, float[]> weights =
        Map.of("head.weight", values(3, 0, 0, 1), "head.bias", values(1, 1));
    assertArrayEquals(new double[] {3.5, 0.5}, run(spec, weights, 0).logits(0), 1e-12);
  }

  /**
   * A body that adds x0 + x1 once more, for exit a alone: (4, 0) there, (4, 0) behind the block.
   */
  @Test
  void bodiesRunOnACopy() {
    ModelSpec spec =
        spec(
            EACH,
            Plan.builder()
                .add(block(NETWORK))
                .add(
                    new Exit(
                        "a", EACH.withBody(block(NETWORK)), Criterion.margin(), Bypass.TERMINATE))
                .add(block(NETWORK))
                .build());
    Oracle oracle = new Oracle(spec, weights(spec, Map.of()));
    Verdict out = oracle.run(Event.ofTokens(0, 0), Decisions.exits(List.of(0, 1)));
    assertArrayEquals(new double[] {4, 0}, out.logits(0), 1e-12);
    assertArrayEquals(new double[] {0, 4}, out.logits(1), 1e-12);
  }

  /**
   * Token 0 is (1, 0): logits (2, 0), so expert 0 wins with g = 1/(1+e^-2). Expert e answers (e+1,
   * 0) * max(x0 + x1, 0): the row becomes (1 + g, 0). A row that left has no choice. The block
   * before is all zeros and adds nothing.
   */
  @Test
  void mixturesWeighTheExpertTheyPick() {
    Mixture mixture = new Mixture(2, NETWORK, Routers.switchTop1());
    ModelSpec spec =
        spec(
            EACH,
            Plan.builder()
                .add(block(NETWORK))
                .add(new Exit("a", EACH, Criterion.confidence(), Bypass.TERMINATE))
                .add(block(mixture))
                .build());
    Map<String, float[]> expert =
        Map.of(
            "blocks.0.feedForward.up.weight", values(0, 0),
            "blocks.1.mixture.router.weight", values(2, 0, 0, 2),
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
            .withExperts(Map.of("blocks.1.mixture", Map.of(0, List.of(1))));
    assertArrayEquals(
        new double[] {0, 1 + (1 - g) * 2},
        oracle.run(Event.ofTokens(0, 1), other).logits(0),
        1e-12);
  }

  /**
   * Order 2, three tokens, begin 2, four buckets: keys 1 + 3*2 = 7 and 0 + 3*1 = 3 hash to rows 1
   * and 3; row i of the table is i and is added to x0. In two events it is the same.
   */
  @Test
  void ngramsReachLeftOfTheSequence() {
    ModelSpec spec =
        new ModelSpec(
            "paper",
            2,
            new Input.Tokens(3, 4),
            Embedding.plain().withNgrams(new Embedding.Ngrams(List.of(2), 4, 1, 2)),
            Plan.of(block(NETWORK)),
            EACH);
    Map<String, float[]> tables =
        Map.of(
            "embedding.tokens", values(0, 0, 0, 0, 0, 0),
            "embedding.ngrams.2", values(0, 1, 2, 3),
            "embedding.ngrams.projection", values(1, 0),
            "blocks.0.feedForward.up.weight", values(0, 0));
    Oracle oracle = new Oracle(spec, weights(spec, tables));
    for (List<Event> events :
        List.of(
            List.of(Event.ofTokens(1, 0)), List.of(Event.ofTokens(1), Event.ofTokens(0).at(1)))) {
      Verdict verdict = oracle.run(events, Decisions.by(Map.of()));
      assertArrayEquals(new double[] {0, 1}, verdict.logits(0), 1e-12);
      assertArrayEquals(new double[] {0, 3}, verdict.logits(1), 1e-12);
    }
  }

  /** a doubles (1, 0) to (2, 0), b adds three times that: (4, 0); the mean is (3, 0). */
  @Test
  void aMeanOfBlocksIsTheMeanOfTheirResults() {
    Plan.Builder builder = Plan.builder();
    int a = builder.store(block(NETWORK));
    int b = builder.store(block(NETWORK));
    ModelSpec spec = spec(EACH, builder.add(new Part.Mean(List.of(a, b))).build());
    Verdict verdict = run(spec, Map.of("blocks.1.feedForward.down.weight", values(3, 0)), 0);
    assertArrayEquals(new double[] {0, 3}, verdict.logits(0), 1e-12);
    assertEquals(2, verdict.depth(0));
  }

  /**
   * Frozen rows are keys in both blocks. Rows (1, 0) and (0, 1) become (3, 0) and (3, 1). Row 0
   * leaves; row 1 reads (6 + 10)/2 = 8 in one block and, with values doubled, 16 in the other: (11,
   * 1) and (19, 1), in the mean (15, 1).
   */
  @Test
  void frozenRowsAreReadInEveryBlockOfAMean() {
    Plan.Builder builder = Plan.builder().add(block(Attention.causal(1, 1)));
    int a = builder.store(block(Attention.causal(1, 1)));
    int b = builder.store(block(Attention.causal(1, 1)));
    ModelSpec spec =
        spec(
            EACH,
            builder
                .add(new Exit("a", EACH, Criterion.confidence(), Bypass.FREEZE_PROJECT))
                .add(new Part.Mean(List.of(a, b)))
                .build());
    Oracle oracle =
        new Oracle(spec, weights(spec, Map.of("blocks.2.attention.v.weight", values(4, 8))));
    Verdict verdict = oracle.run(Event.ofTokens(0, 1), Decisions.exits(List.of(0, 1)));
    assertArrayEquals(new double[] {3, 0}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {1, 15}, verdict.logits(1), 1e-12);
  }

  /**
   * The encoder doubles x0 of its rows: (2, 0) and (1, 1), normed by sqrt(2 + 2) and sqrt(1 + 2):
   * left at once they are (1, 0) / sqrt(2.5) and (0, 1) / sqrt(2.5). The decoder adds the mean of
   * their 2 m0 + 4 m1 to x0.
   */
  @Test
  void decodersReadTheMemoryWhereItWasLeft() {
    Plan plan =
        Plan.builder()
            .add(block(NETWORK))
            .add(new Exit("e", null, Criterion.saturation(), Bypass.TERMINATE))
            .add(block(NETWORK))
            .build();
    Encoder encoder = new Encoder(new Input.Tokens(2, 4), Embedding.plain(), plan, new Norm.Rms(2));
    ModelSpec spec =
        new ModelSpec(
            "paper",
            2,
            encoder,
            new Input.Tokens(2, 4),
            Embedding.plain(),
            Plan.of(block(Attention.memory(1, 1))),
            EACH);
    Oracle oracle = new Oracle(spec, weights(spec, Map.of("encoder.norm.weight", values(1, 1))));
    Event memory = Event.ofTokens(0, 1);
    Event event = Event.ofTokens(1, 0);
    // behind both blocks (4, 0) and (3, 1); behind the first (2, 0) and (1, 1)
    double full = (8 / Math.sqrt(10) + 10 / Math.sqrt(7)) / 2;
    double early = (4 / Math.sqrt(4) + 6 / Math.sqrt(3)) / 2;
    Verdict verdict = oracle.run(memory, event, Decisions.by(Map.of()));
    assertEquals(1, verdict.encoderExit());
    assertEquals(2, verdict.exit(0));
    assertArrayEquals(new double[] {1, full}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {0, 1 + full}, verdict.logits(1), 1e-12);
    assertEquals(Double.NaN, verdict.score(0, 0), "the first point has none before it");
    Verdict left = oracle.run(memory, event, Decisions.by(Map.of()).withEncoderExit(0));
    assertEquals(0, left.encoderExit());
    assertArrayEquals(new double[] {1, early}, left.logits(0), 1e-12);
    assertThrows(IllegalArgumentException.class, () -> oracle.run(event, Decisions.by(Map.of())));
  }

  private static Verdict run(ModelSpec spec, Map<String, float[]> given, int... tokens) {
    return new Oracle(spec, weights(spec, given))
        .run(Event.ofTokens(tokens), Decisions.by(Map.of()));
  }
}
