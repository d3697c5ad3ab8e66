package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.Paper.EACH;
import static anabranch.conformance.reference.Paper.block;
import static anabranch.conformance.reference.Paper.spec;
import static anabranch.conformance.reference.Paper.sublayer;
import static anabranch.conformance.reference.Paper.values;
import static anabranch.conformance.reference.Paper.weights;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import anabranch.backend.Event;
import anabranch.conformance.reference.Decisions;
import anabranch.conformance.reference.Oracle;
import anabranch.conformance.reference.Verdict;
import anabranch.conformance.reference.route.Choice;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Rows that pass an operation without running it, in models computed on paper. */
class SkipPartTest {
  private static final FeedForward NETWORK = FeedForward.plain(1, Activation.RELU);

  /** A row runs, unweighed, when its logit is above one half. */
  private static final Router HALF = router(Source.HIDDEN, new Selection.Threshold(0.5, true));

  private static Router router(Source source, Selection selection) {
    return new Router(
        source,
        new Logits.Linear(false),
        Score.IDENTITY,
        Preference.byScore(),
        selection,
        new Gate(Gate.Of.ONE, null, 1),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }

  /**
   * Eight rows (1, r), two of them run: those with the largest r, at 5 and 1. The operation adds r
   * times x0 = 1 to x0.
   */
  @Test
  void depthIsMixedAmongTheBestRows() {
    Capacity.Size quarter = new Capacity.Size.Share(0.25, 1, Capacity.Rounding.FLOOR);
    Skip skip = new Skip(Routers.mixtureOfDepths(quarter), NETWORK, Bypass.MASK);
    ModelSpec spec =
        new ModelSpec(
            "paper", 2, new Input.Features(2, 8), Embedding.plain(), Plan.of(block(skip)), EACH);
    Map<String, float[]> given =
        Map.of(
            "embedding.features.weight", values(1, 0, 0, 1),
            "blocks.0.skip.router.weight", values(0, 1),
            "blocks.0.skip.feedForward.up.weight", values(1, 0));
    float[] r = {0.5f, 1.5f, -3, 1.25f, 0, 2, 1, 0.25f};
    float[] rows = new float[16];
    for (int i = 0; i < 8; i++) {
      rows[2 * i] = 1;
      rows[2 * i + 1] = r[i];
    }
    Verdict verdict =
        new Oracle(spec, weights(spec, given))
            .run(Event.ofFeatures(2, rows), Decisions.by(Map.of()));
    double[] expected = {1, 2.5, 1, 1, 1, 3, 1, 1};
    for (int i = 0; i < 8; i++) {
      assertEquals(expected[i], verdict.logits(i)[1], 1e-12, "row " + i);
      Choice choice = Objects.requireNonNull(verdict.choice("blocks.0.skip", i));
      assertEquals(expected[i] > 1 ? List.of(0) : List.of(), choice.experts(), "row " + i);
    }
    assertEquals(0.25, verdict.choice("blocks.0.skip", 1).margin(), 1e-12);
    assertEquals(0.75, verdict.choice("blocks.0.skip", 5).margin(), 1e-12);
  }

  /**
   * Rows (1, 0), (0, 1) -> (3, 0), (3, 1) by attention; then only row 1 runs. It reads 10 and what
   * row 0 shows: nothing, its 6, or the 2 of the attention before.
   */
  @Test
  void skippedRowsShowWhatKeysSays() {
    Map<Bypass, Double> expected =
        Map.of(Bypass.MASK, 13.0, Bypass.FREEZE_PROJECT, 11.0, Bypass.FREEZE_SHARE_KV, 9.0);
    expected.forEach(
        (keys, x0) -> {
          Attention attention = Attention.causal(1, 1);
          Block skips = block(new Skip(HALF, attention, keys));
          ModelSpec spec = spec(EACH, Plan.of(block(attention), skips));
          Oracle oracle =
              new Oracle(spec, weights(spec, Map.of("blocks.1.skip.router.weight", values(0, 1))));
          for (List<Event> events :
              List.of(
                  List.of(Event.ofTokens(0, 1)),
                  List.of(Event.ofTokens(0), Event.ofTokens(1).at(1)))) {
            Verdict verdict = oracle.run(events, Decisions.by(Map.of()));
            assertArrayEquals(new double[] {0, 3}, verdict.logits(0), 1e-12, "" + keys);
            assertArrayEquals(new double[] {1, x0}, verdict.logits(1), 1e-12, "" + keys);
          }
        });
  }

  /**
   * Nothing was shown before the first attention: rows that share show nothing there, and what they
   * showed at the skip at the next one is nothing too.
   */
  @Test
  void sharingRowsShowNothingBeforeTheFirstAttention() {
    Skip skip = new Skip(HALF, Attention.causal(1, 1), Bypass.FREEZE_SHARE_KV);
    ModelSpec spec = spec(EACH, Plan.of(block(skip), block(skip)));
    Map<String, float[]> routers =
        Map.of(
            "blocks.0.skip.router.weight", values(0, 1),
            "blocks.1.skip.router.weight", values(0, 1));
    Verdict verdict =
        new Oracle(spec, weights(spec, routers)).run(Event.ofTokens(0, 1), Decisions.by(Map.of()));
    // alone, row 1 reads its own 4 -> (4, 1), then its own 12 -> (16, 1)
    assertArrayEquals(new double[] {1, 16}, verdict.logits(1), 1e-12);
  }

  /**
   * A chain of attention and network on v. Row 1 alone: v (0, 1) reads (2 + 4)/2 = 3 of both rows
   * where row 0 projects -> (3, 1), then x0 + x1 = 4 -> (7, 1): it added (7, 0).
   */
  @Test
  void chainsAddWhatTheirSublayersAdd() {
    Map<Bypass, Double> expected = Map.of(Bypass.FREEZE_PROJECT, 7.0, Bypass.MASK, 9.0);
    expected.forEach(
        (keys, x0) -> {
          Chain chain = Chain.of(sublayer(Attention.causal(1, 1)), sublayer(NETWORK));
          ModelSpec spec = spec(EACH, Plan.of(block(new Skip(HALF, chain, keys))));
          Verdict verdict = run(spec, Map.of("blocks.0.skip.router.weight", values(0, 1)), 0, 1);
          assertArrayEquals(new double[] {0, 1}, verdict.logits(0), 1e-12);
          assertArrayEquals(new double[] {1, x0}, verdict.logits(1), 1e-12, "" + keys);
        });
  }

  /**
   * Zero normed with bias (5, 7) is (5, 7): rows that do not run get it, those that run another.
   */
  @Test
  void normsBehindASkipMeetEveryLiveRow() {
    Skip skip = new Skip(HALF, NETWORK, Bypass.MASK);
    Block normed = Block.of(new Sublayer("skip", null, skip, new Norm.Layer(1), null));
    ModelSpec spec = spec(EACH, Plan.of(normed));
    Map<String, float[]> given =
        Map.of(
            "blocks.0.skip.router.weight", values(0, 1),
            "blocks.0.skip.after.weight", values(1, 1),
            "blocks.0.skip.after.bias", values(5, 7));
    Verdict verdict = run(spec, given, 0, 1);
    assertArrayEquals(new double[] {7, 6}, verdict.logits(0), 1e-12);
    // (1, 0): mean 1/2, variance 1/4, root of 5/4
    double half = 0.5 / Math.sqrt(1.25);
    assertArrayEquals(new double[] {1 + 7 - half, 5 + half}, verdict.logits(1), 1e-12);
  }

  /** Rows inside: capacity is for those that run; of two that do, one finds room. */
  @Test
  void skippedRowsAreInNoPopulation() {
    Capacity one =
        new Capacity.Limited(
            new Capacity.Size.Share(0.5, 0, Capacity.Rounding.FLOOR),
            Capacity.Population.STEP,
            Capacity.Priority.POSITION);
    Mixture mixture = new Mixture(1, NETWORK, Routers.switchTop1(one));
    ModelSpec spec = spec(EACH, Plan.of(block(new Skip(HALF, mixture, Bypass.MASK))));
    Verdict verdict = run(spec, Map.of("blocks.0.skip.router.weight", values(0, 1)), 0, 1, 0, 1);
    assertEquals(List.of("blocks.0.skip", "blocks.0.skip.mixture"), verdict.routers());
    assertNull(verdict.choice("blocks.0.skip.mixture", 0));
    assertEquals(List.of(0), verdict.choice("blocks.0.skip.mixture", 1).taken());
    assertEquals(List.of(-2), verdict.choice("blocks.0.skip.mixture", 3).taken());
    assertArrayEquals(new double[] {1, 1}, verdict.logits(1), 1e-12);
    assertArrayEquals(new double[] {1, 0}, verdict.logits(3), 1e-12);
  }

  /** The mean of the first event is x1 = 1/2: it runs, and later events do as it did. */
  @Test
  void promptsDecideForEveryLaterEvent() {
    Router prompt = router(Source.PROMPT_MEAN, new Selection.Threshold(0.4, false));
    ModelSpec spec = spec(EACH, Plan.of(block(new Skip(prompt, NETWORK, Bypass.MASK))));
    Oracle oracle =
        new Oracle(spec, weights(spec, Map.of("blocks.0.skip.router.weight", values(0, 1))));
    Verdict runs =
        oracle.run(List.of(Event.ofTokens(0, 1), Event.ofTokens(0).at(2)), Decisions.by(Map.of()));
    assertArrayEquals(new double[] {0, 2}, runs.logits(0), 1e-12);
    assertArrayEquals(new double[] {1, 1}, runs.logits(1), 1e-12);
    assertArrayEquals(new double[] {0, 2}, runs.logits(2), 1e-12);
    assertEquals(0.1, runs.choice("blocks.0.skip", 0).margin(), 1e-12);
    assertEquals(Double.POSITIVE_INFINITY, runs.choice("blocks.0.skip", 2).margin());
    Verdict skips =
        oracle.run(List.of(Event.ofTokens(0), Event.ofTokens(1, 1).at(1)), Decisions.by(Map.of()));
    for (int row = 1; row < 3; row++) {
      assertArrayEquals(new double[] {1, 0}, skips.logits(row), 1e-12);
      assertEquals(List.of(), skips.choice("blocks.0.skip", row).own());
    }
  }

  @Test
  void eventsDecideForThemselves() {
    Router mean = router(Source.EVENT_MEAN, new Selection.Threshold(0.4, false));
    ModelSpec spec = spec(EACH, Plan.of(block(new Skip(mean, NETWORK, Bypass.MASK))));
    Verdict verdict =
        new Oracle(spec, weights(spec, Map.of("blocks.0.skip.router.weight", values(0, 1))))
            .run(List.of(Event.ofTokens(0, 1), Event.ofTokens(0).at(2)), Decisions.by(Map.of()));
    assertArrayEquals(new double[] {0, 2}, verdict.logits(0), 1e-12);
    assertArrayEquals(new double[] {0, 1}, verdict.logits(2), 1e-12);
  }

  /**
   * Row 0 leaves with (3, 0). Where the whole sequence skips the attention, nothing is shown: when
   * row 1's mean runs it reads (6 + 10)/2, and row 0's 6 whether or not its own logit is enough.
   */
  @Test
  void frozenRowsPassASkipAsTheyPassEverything() {
    Attention attention = Attention.causal(1, 1);
    Skip byRow = new Skip(HALF, attention, Bypass.MASK);
    ModelSpec spec =
        spec(
            EACH,
            Plan.builder()
                .add(block(attention))
                .add(new Exit("a", EACH, Criterion.confidence(), Bypass.FREEZE_PROJECT))
                .add(block(byRow))
                .build());
    Verdict verdict =
        new Oracle(spec, weights(spec, Map.of("blocks.1.skip.router.weight", values(0, 1))))
            .run(Event.ofTokens(0, 1), Decisions.exits(List.of(0, 1)));
    assertArrayEquals(new double[] {1, 11}, verdict.logits(1), 1e-12);
    assertNull(verdict.choice("blocks.1.skip", 0));
  }

  /**
   * Row 0 leaves; the first event's mean, of row 1 alone, skips or runs. Then row 2 reads: where
   * the sequence skips with MASK no router asks for row 0, and it shows nothing at the skip.
   */
  @Test
  void frozenRowsShowNothingWhereTheirSequenceSkips() {
    Router prompt = router(Source.EVENT_MEAN, new Selection.Threshold(0.5, false));
    for (Bypass keys : List.of(Bypass.MASK, Bypass.FREEZE_PROJECT)) {
      Attention attention = Attention.causal(1, 1);
      ModelSpec spec =
          spec(
              EACH,
              Plan.builder()
                  .add(block(attention))
                  .add(new Exit("a", EACH, Criterion.confidence(), Bypass.FREEZE_PROJECT))
                  .add(block(new Skip(prompt, attention, keys)))
                  .build());
      Oracle oracle =
          new Oracle(spec, weights(spec, Map.of("blocks.1.skip.router.weight", values(0, 1))));
      List<Event> events = List.of(Event.ofTokens(0, 0), Event.ofTokens(1).at(2));
      Verdict verdict = oracle.run(events, Decisions.exits(List.of(0, 1, 1)));
      // all rows read 2, then row 2 reads (2 + 2 + 4)/3: (8/3, 1), with v = 28/3
      double own = 28.0 / 3;
      double read = keys == Bypass.MASK ? own : (6 + 6 + own) / 3;
      assertArrayEquals(new double[] {0, 3}, verdict.logits(1), 1e-12);
      assertArrayEquals(new double[] {1, 8.0 / 3 + read}, verdict.logits(2), 1e-12, "" + keys);
    }
  }

  /** What a row leaves in a recurrence that it skips: nothing, or itself. */
  @Test
  void skippedRowsAreInputsOfRecurrencesWhereTheyProject() {
    Recurrence recurrence = new Recurrence(2, 2, 2, 1);
    for (Bypass keys : List.of(Bypass.MASK, Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV)) {
      ModelSpec skipping = spec(EACH, Plan.of(block(new Skip(HALF, recurrence, keys))));
      ModelSpec plain = spec(EACH, Plan.of(block(recurrence)));
      Map<String, float[]> given = new HashMap<>();
      Map<String, float[]> same = new HashMap<>();
      float seed = 0;
      for (var parameter : plain.parameters()) {
        float[] numbers = new float[(int) parameter.elements()];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = (float) Math.sin(2.3 * ++seed);
        }
        if (parameter.name().startsWith("blocks")) {
          same.put(parameter.name(), numbers);
          given.put(
              parameter.name().replace("blocks.0.recurrence", "blocks.0.skip.recurrence"), numbers);
        }
      }
      given.put("blocks.0.skip.router.weight", values(0, 1));
      Verdict verdict = run(skipping, given, 0, 1);
      boolean isInput = keys == Bypass.FREEZE_PROJECT;
      double[] expected =
          isInput ? run(plain, same, 0, 1).logits(1) : run(plain, same, 1).logits(0);
      assertArrayEquals(new double[] {0, 1}, verdict.logits(0), "it did not run");
      assertArrayEquals(expected, verdict.logits(1), 1e-12, "" + keys);
    }
  }

  private static Verdict run(ModelSpec spec, Map<String, float[]> given, int... tokens) {
    return new Oracle(spec, weights(spec, given))
        .run(Event.ofTokens(tokens), Decisions.by(Map.of()));
  }
}
