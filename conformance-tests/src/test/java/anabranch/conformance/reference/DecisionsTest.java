package anabranch.conformance.reference;

import static anabranch.conformance.reference.Paper.EACH;
import static anabranch.conformance.reference.Paper.block;
import static anabranch.conformance.reference.Paper.spec;
import static anabranch.conformance.reference.Paper.values;
import static anabranch.conformance.reference.Paper.weights;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Event;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.GraphRank;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Decisions other than exits by logits, free and forced, in models computed on paper. */
class DecisionsTest {
  private static final FeedForward NETWORK = FeedForward.plain(1, Activation.RELU);
  private static final Criterion LEARNED = Criterion.learned();

  /**
   * The loop doubles x0 + x1 into x0: token 0 is 2, 4, 8; token 1 is 1, 3, 7. The score is
   * sigmoid(x0 - 3). Behind the loop x0 + x1 is added once more.
   */
  private static ModelSpec looping(Head head, Head.Pool pool) {
    Plan.Builder builder = Plan.builder();
    int body = builder.store(block(NETWORK));
    Loop.Halt halt = new Loop.Halt("h", pool, LEARNED, Bypass.TERMINATE);
    return spec(
        head,
        builder.add(new Loop(List.of(new Part.Run(body)), 3, halt)).add(block(NETWORK)).build());
  }

  private static Oracle oracle(ModelSpec spec) {
    return new Oracle(
        spec,
        weights(
            spec, Map.of("halts.h.score.weight", values(1, 0), "halts.h.score.bias", values(-3))));
  }

  @Test
  void rowsGoOnBehindALoopWhenTheyFire() {
    Verdict verdict =
        oracle(looping(EACH, Head.Pool.EACH))
            .run(Event.ofTokens(0, 1), Decisions.by(Map.of("h", 0.5)));
    // the loop begins at step 0; its times are steps 1 to 3; the end is step 4
    assertEquals(1 / (1 + Math.exp(1)), verdict.score(1, 0), 1e-12);
    assertEquals(1 / (1 + Math.exp(-1)), verdict.score(2, 0), 1e-12);
    assertEquals(Double.NaN, verdict.score(3, 0), "it had gone on");
    assertEquals(0.5, verdict.score(2, 1), "which is not above");
    assertEquals(1 / (1 + Math.exp(-4)), verdict.score(3, 1), 1e-12);
    assertEquals(1, verdict.halt("h", 0));
    assertEquals(2, verdict.halt("h", 1));
    assertArrayEquals(new double[] {0, 8}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {1, 15}, verdict.logits(1), 1e-12);
    assertEquals(3, verdict.depth(0));
    assertEquals(4, verdict.depth(1));
    assertEquals(4, verdict.exit(0));
  }

  /** The mean of x0 behind the times is 1.5, 3.5: all rows go on together behind the second. */
  @Test
  void itemsGoOnTogether() {
    ModelSpec spec = looping(new Head(Head.Pool.LAST, null, 2, false), Head.Pool.MEAN);
    Verdict verdict = oracle(spec).run(Event.ofTokens(0, 1), Decisions.by(Map.of("h", 0.5)));
    assertEquals(1 / (1 + Math.exp(1.5)), verdict.score(1, 0), 1e-12);
    assertEquals(1 / (1 + Math.exp(-0.5)), verdict.score(2, 0), 1e-12);
    assertEquals(1, verdict.halt("h", 0));
    assertArrayEquals(new double[] {1, 7}, verdict.logits(0), 1e-12);
    assertEquals(3, verdict.depth(0));
  }

  @Test
  void haltsAreForcedByTheirTimes() {
    Verdict verdict =
        oracle(looping(EACH, Head.Pool.EACH))
            .run(
                Event.ofTokens(0, 0, 0),
                Decisions.by(Map.of()).withHalts(Map.of("h", List.of(0, 1, -1))));
    assertArrayEquals(new double[] {0, 4}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {0, 8}, verdict.logits(1), 1e-12);
    assertArrayEquals(new double[] {0, 16}, verdict.logits(2), 1e-12);
  }

  /**
   * (1, 0), (0, 1) -> (3, 0), (3, 1); row 0 goes on. The second time row 1 reads (6 + 10)/2 from a
   * frozen row, (2 + 10)/2 from one that shares and 10 alone: x0 is 11, 9 or 13. Behind the loop
   * row 0 is live again, (3, 0) -> (9, 0), and row 1 reads its 6 and 4 more than twice its own x0.
   */
  @Test
  void rowsThatAreOutAreReadAsTheirBypassSays() {
    Map<Bypass, Double> inside =
        Map.of(Bypass.FREEZE_PROJECT, 11.0, Bypass.FREEZE_SHARE_KV, 9.0, Bypass.MASK, 13.0);
    inside.forEach(
        (bypass, x0) -> {
          Plan.Builder builder = Plan.builder();
          int body = builder.store(block(Attention.causal(1, 1)));
          Loop.Halt halt = new Loop.Halt("h", Head.Pool.EACH, Criterion.saturation(), bypass);
          ModelSpec spec =
              spec(
                  EACH,
                  builder
                      .add(new Loop(List.of(new Part.Run(body)), 2, halt))
                      .add(block(Attention.causal(1, 1)))
                      .build());
          Verdict verdict =
              new Oracle(spec, weights(spec, Map.of()))
                  .run(
                      Event.ofTokens(0, 1),
                      Decisions.by(Map.of()).withHalts(Map.of("h", List.of(0, 1))));
          assertArrayEquals(new double[] {0, 9}, verdict.logits(0), 1e-12, "" + bypass);
          double own = 2 * x0 + 4;
          assertArrayEquals(
              new double[] {1, x0 + (6 + own) / 2}, verdict.logits(1), 1e-12, "" + bypass);
        });
  }

  /**
   * Both rows halt at (3, 0), (3, 1) and nobody runs the second time; row 0 leaves behind the loop.
   * At the attention before, that of the second time, it showed nothing (rules A5, A6), so that row
   * 1 reads its own 10 alone: (13, 1). With the 2 of the first time it would be (9, 1).
   */
  @Test
  void attentionsThatNobodyPassesAreThoseBeforeTheNextAllTheSame() {
    Plan.Builder builder = Plan.builder();
    int body = builder.store(block(Attention.causal(1, 1)));
    Loop.Halt halt = new Loop.Halt("h", Head.Pool.EACH, Criterion.saturation(), Bypass.MASK);
    ModelSpec spec =
        spec(
            EACH,
            builder
                .add(new Loop(List.of(new Part.Run(body)), 2, halt))
                .add(new Exit("a", EACH, Criterion.confidence(), Bypass.FREEZE_SHARE_KV))
                .add(block(Attention.causal(1, 1)))
                .build());
    Verdict verdict =
        new Oracle(spec, weights(spec, Map.of()))
            .run(
                Event.ofTokens(0, 1),
                Decisions.exits(List.of(3, 4)).withHalts(Map.of("h", List.of(0, 0))));
    assertEquals(3, verdict.exit(0));
    assertEquals(1, verdict.depth(0));
    assertArrayEquals(new double[] {1, 13}, verdict.logits(1), 1e-12);
  }

  /**
   * A loop without a halt is the block twice: x0 is 4; the cosine of (3, 1) and (1, 1) at exit a.
   */
  @Test
  void saturationComparesWithThePointBefore() {
    Plan.Builder builder = Plan.builder();
    int body = builder.store(block(NETWORK));
    Head last = EACH;
    ModelSpec spec =
        spec(
            last,
            builder
                .add(new Part.Run(body))
                .add(new Exit("a", EACH, Criterion.saturation(), Bypass.TERMINATE))
                .add(new Part.Run(body))
                .add(new Exit("b", EACH, Criterion.saturation(), Bypass.TERMINATE))
                .add(new Loop(List.of(new Part.Run(body)), 2, null))
                .build());
    Verdict verdict =
        new Oracle(spec, weights(spec, Map.of()))
            .run(Event.ofTokens(0, 1), Decisions.by(Map.of("a", 0.0, "b", 0.95)));
    assertEquals(Double.NaN, verdict.score(0, 1), "nothing is before the first");
    assertEquals(4 / Math.sqrt(2 * 10), verdict.score(1, 1), 1e-12);
    assertEquals(1, verdict.score(1, 0), 1e-12);
    assertArrayEquals(new double[] {4, 0}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {1, 15}, verdict.logits(1), 1e-12);
    assertEquals(2, verdict.depth(0));
    assertEquals(4, verdict.depth(1));
  }

  /** x0 of token 1 is 1, 3, 7: the label is 0 from exit b on, with a tie at exit a. */
  @Test
  void patienceCountsLabels() {
    Plan.Builder builder = Plan.builder();
    for (String id : List.of("a", "b", "c")) {
      builder.add(block(NETWORK)).add(new Exit(id, EACH, Criterion.patience(), Bypass.TERMINATE));
    }
    ModelSpec spec = spec(EACH, builder.add(block(NETWORK)).build());
    Map<String, float[]> heads =
        Map.of("exits.a.weight", values(1, 0, 0, 2), "exits.c.weight", values(1, 0, 0, 1));
    Oracle oracle = new Oracle(spec, weights(spec, heads));
    Verdict verdict = oracle.run(Event.ofTokens(0, 1), Decisions.by(Map.of("b", 1.0, "c", 1.0)));
    for (int step = 0; step < 3; step++) {
      assertEquals(step == 0 ? 1 : 0, verdict.label(step, 1), "step " + step);
      assertEquals(new double[] {0, 0, 1}[step], verdict.score(step, 1), "step " + step);
    }
    assertEquals(1, verdict.exit(0));
    assertEquals(2, verdict.exit(1));
    assertEquals(-1, verdict.label(2, 0));
  }

  /** Scores of the depths (0, x1, x0): token 0 goes to the end, token 1 to exit b. */
  @Test
  void choicesNameTheExitThatObeys() {
    Plan plan =
        Plan.builder()
            .add(new DepthChoice("d", DepthChoice.From.ROWS, Head.Pool.EACH, true))
            .add(block(NETWORK))
            .add(new Exit("a", EACH, Criterion.chosen(), Bypass.TERMINATE))
            .add(block(NETWORK))
            .add(new Exit("b", EACH, Criterion.chosen(), Bypass.TERMINATE))
            .add(block(NETWORK))
            .build();
    ModelSpec spec = spec(EACH, plan);
    Oracle oracle =
        new Oracle(spec, weights(spec, Map.of("choices.d.score.weight", values(0, 0, 0, 1, 1, 0))));
    Map<String, Double> obey = Map.of("a", 1.0, "b", 1.0);
    Verdict verdict = oracle.run(Event.ofTokens(0, 1), Decisions.by(obey));
    assertEquals(2, verdict.label(0, 0));
    assertEquals(1, verdict.label(0, 1));
    assertEquals(Math.E / (Math.E + 2), verdict.score(0, 0), 1e-12);
    assertEquals(3, verdict.exit(0));
    assertEquals(2, verdict.exit(1));
    assertEquals(0, verdict.score(1, 1));
    assertEquals(1, verdict.score(2, 1));
    assertEquals(0, verdict.score(2, 0));
    Verdict forced =
        oracle.run(Event.ofTokens(0, 1), Decisions.by(obey).withLabels(Map.of("d", List.of(0, 2))));
    assertEquals(1, forced.exit(0));
    assertEquals(3, forced.exit(1));
    assertEquals(2, forced.label(0, 0), "its own");
    assertEquals(3, oracle.run(Event.ofTokens(1), Decisions.by(Map.of())).exit(0), "nobody obeys");
  }

  /**
   * Full attention of rows 0, 1, 1, 0 gives x0 4, 3, 3, 4; the score is x1. Half of them stay: the
   * two with x1, or row 0 and one of these where it is protected.
   */
  @Test
  void prunedRowsAreGone() {
    for (List<Integer> kept : List.of(List.of(0), List.of(0, 3))) {
      ModelSpec spec =
          spec(
              new Head(Head.Pool.MEAN, null, 2, false),
              Plan.builder()
                  .add(block(Attention.full(1, 1)))
                  .add(new Prune("p", Criterion.Score.LEARNED, kept))
                  .add(block(NETWORK))
                  .build());
      Oracle oracle =
          new Oracle(spec, weights(spec, Map.of("prunes.p.score.weight", values(0, 1))));
      Event event = Event.ofTokens(0, 1, 1, 0);
      Verdict verdict = oracle.run(event, Decisions.by(Map.of("p", 0.5)));
      List<Integer> stay = kept.size() == 1 ? List.of(0, 1) : List.of(0, 3);
      assertEquals(stay, verdict.kept(0));
      assertEquals(0.5, verdict.score(0, 0));
      assertEquals(1 / (1 + Math.exp(-1)), verdict.score(0, 2), 1e-12);
      // (4, 0) doubles to 8; (3, 1) becomes 7
      double[] expected = kept.size() == 1 ? new double[] {0.5, 7.5} : new double[] {0, 8};
      assertArrayEquals(expected, verdict.logits(0), 1e-12);
      Verdict forced =
          oracle.run(event, Decisions.by(Map.of("p", 0.5)).withKept(Map.of("p", List.of(0, 1, 2))));
      assertEquals(stay, forced.kept(0));
      assertArrayEquals(new double[] {2 / 3.0, 22 / 3.0}, forced.logits(0), 1e-12);
      assertEquals(List.of(0, 1, 2, 3), oracle.run(event, Decisions.by(Map.of())).kept(0));
    }
  }

  /**
   * Queries are x0 and keys x1 times ln 3: of tokens 0, 1, 1 the first gives 1/7, 3/7, 3/7, and
   * each of the others 1/3 to all.
   */
  @Test
  void rowsAreRankedByWhatTheyGiveEachOther() {
    double hub = (1 / 7.0 + 2 / 3.0) / 3;
    double read = (3 / 7.0 + 2 / 3.0) / 3;
    assertScores(new double[] {hub, read, read}, graph(1, 0, 0, 1));
    double again = hub / 7 + 2 * read / 3;
    assertScores(new double[] {again, (1 - again) / 2, (1 - again) / 2}, graph(2, 0, 0, 1));
    assertScores(new double[] {hub, read, read}, graph(9, 0.1, 0, 1));
    assertScores(new double[] {0, 0, 0}, graph(1, 0, 0.5, 1));
    GraphRank readers = new GraphRank(GraphRank.Direction.TO_READERS, 4, 0, 0, 1);
    assertScores(
        new double[] {1 / 3.0, 1 / 3.0, 1 / 3.0}, Prune.graphRank("p", List.of(), readers));
  }

  /**
   * Rows 1 and 2 are the half, (0, 1) both; row 0 is (1, 0), and its key is zero. Another half is
   * told beforehand: rows 0 and 2.
   */
  @Test
  void rowsResembleTheMoreImportantHalf() {
    Prune rows = Prune.redundancy("p", List.of(), graph(1, 0, 0, 1).rank(), Prune.Compared.ROWS);
    double read = (3 / 7.0 + 2 / 3.0) / 3;
    Verdict verdict = assertScores(new double[] {0, 2 + read, 2 + read}, rows);
    assertEquals(List.of(1, 2), verdict.half(0));
    Prune keys = Prune.redundancy("p", List.of(), graph(1, 0, 0, 1).rank(), Prune.Compared.KEYS);
    assertScores(new double[] {0, 2 + read, 2 + read}, keys);
    Decisions told = Decisions.by(Map.of()).withHalves(Map.of("p", List.of(0, 2)));
    for (Prune each : List.of(rows, keys)) {
      Verdict forced = oracle(each).run(Event.ofTokens(0, 1, 1), told);
      assertEquals(2 + (1 / 7.0 + 2 / 3.0) / 3, forced.score(0, 0), 1e-7);
      assertEquals(-1, forced.score(0, 1), 1e-12, "it is row 2");
      assertEquals(List.of(1, 2), forced.half(0), "its own");
    }
  }

  private static Prune graph(int iterations, double epsilon, double least, double most) {
    return Prune.graphRank(
        "p",
        List.of(),
        new GraphRank(GraphRank.Direction.TO_READ, iterations, epsilon, least, most));
  }

  private static Verdict assertScores(double[] expected, Prune prune) {
    Verdict verdict = oracle(prune).run(Event.ofTokens(0, 1, 1), Decisions.by(Map.of()));
    for (int row = 0; row < expected.length; row++) {
      assertEquals(expected[row], verdict.score(0, row), 1e-7, "row " + row);
    }
    return verdict;
  }

  private static Oracle oracle(Prune prune) {
    ModelSpec spec =
        spec(
            new Head(Head.Pool.MEAN, null, 2, false),
            Plan.builder()
                .add(Paper.block(Attention.full(1, 1)))
                .add(prune)
                .add(block(NETWORK))
                .build());
    return new Oracle(
        spec,
        weights(
            spec,
            Map.of(
                "blocks.0.attention.q.weight", values(1, 0),
                "blocks.0.attention.k.weight", values(0, (float) Math.log(3)),
                "blocks.0.attention.v.weight", values(0, 0))));
  }

  /** Each event is a unit of its own, and so are the events of several items side by side. */
  @Test
  void eventsAreUnitsWhereHeadsPool() {
    ModelSpec spec =
        spec(
            new Head(Head.Pool.MEAN, null, 2, false),
            Plan.builder()
                .add(block(NETWORK))
                .add(
                    new Exit(
                        "a",
                        new Head(Head.Pool.LAST, null, 2, false),
                        Criterion.confidence(),
                        Bypass.TERMINATE))
                .add(block(NETWORK))
                .build());
    Oracle oracle = new Oracle(spec, weights(spec, Map.of()));
    List<Event> events = List.of(Event.ofTokens(0, 1), Event.ofTokens(0).at(2));
    Verdict verdict = oracle.run(events, Decisions.exits(List.of(1, 0)));
    assertEquals(2, verdict.units());
    assertArrayEquals(new double[] {0.5, 3.5}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {2, 0}, verdict.logits(1), 1e-12);
    assertEquals(0.5, verdict.score(0, 0), "(1, 1) of row 1");
    List<Verdict> both =
        oracle.run(
            List.of(
                new Oracle.Item(null, events, Decisions.exits(List.of(1, 0))),
                new Oracle.Item(null, List.of(Event.ofTokens(1)), Decisions.exits(List.of(0)))));
    assertArrayEquals(verdict.logits(1), both.get(0).logits(1));
    assertArrayEquals(new double[] {1, 1}, both.get(1).logits(0), 1e-12);
  }
}
