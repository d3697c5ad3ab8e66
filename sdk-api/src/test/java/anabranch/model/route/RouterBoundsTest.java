package anabranch.model.route;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.DescriptionException;
import anabranch.model.layer.Activation;
import java.util.List;
import org.junit.jupiter.api.Test;

class RouterBoundsTest {
  @Test
  void selectionPicksAtLeastOne() {
    assertRefused("router.k 0 is below 1", () -> new Selection.TopK(0));
    assertRefused("router.k 4 is not in 1..3", () -> Routers.mixtral(4).checkAgainst(3));
    Routers.mixtral(3).checkAgainst(3);
  }

  @Test
  void gateHasAPositiveScale() {
    for (double scale : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertRefused(
          "router.scale " + scale + " is not a finite number above 0",
          () -> new Gate(Gate.Of.SCORE, null, scale));
    }
  }

  @Test
  void normalisingAddsNothingNegative() {
    for (double epsilon : new double[] {-1e-9, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertRefused(
          "router.normalise.epsilon " + epsilon + " is not a finite number from 0 on",
          () -> new Gate.Normalise(epsilon));
    }
    assertEquals(0, new Gate.Normalise(0).epsilon());
  }

  @Test
  void hiddenLayersOfRoutersAreBounded() {
    for (int inner : new int[] {0, (1 << 20) + 1}) {
      assertRefused(
          "router.logits.inner " + inner + " is not in 1..1048576",
          () -> new Logits.Network(inner, Activation.GELU, false));
    }
    Logits network = new Logits.Network(3, Activation.GELU, false);
    assertEquals(3, network.reads(8));
    assertEquals(8, new Logits.Linear(false).reads(8));
    assertRefused(
        "router.source TOKEN_ID does not go with logits " + network,
        () -> Routers.switchTop1().with(Source.TOKEN_ID, network));
  }

  @Test
  void conditionsAreBoundedAndReadByThemselves() {
    for (int numbers : new int[] {0, (1 << 20) + 1}) {
      assertRefused(
          "router.logits.numbers " + numbers + " is not in 1..1048576",
          () -> new Logits.Conditioned(numbers, Activation.SILU, false));
    }
    Router router = Routers.switchDit(6, 2, true);
    Logits logits = router.logits();
    assertEquals(6, logits.reads(8));
    assertEquals(6, router.condition());
    assertEquals(0, Routers.switchTop1().condition());
    assertTrue(router.hasBias() && router.hasWeight());
    assertFalse(Routers.switchDit(6, 2, false).hasBias());
    assertFalse(router.needsKeys() || router.needsTokenIds() || router.needsWholeEvent());
    assertRefused(
        "router.source HIDDEN does not go with logits " + logits,
        () -> router.with(Source.HIDDEN, logits));
    Logits linear = new Logits.Linear(false);
    assertRefused(
        "router.source CONDITION does not go with logits " + linear,
        () -> router.with(Source.CONDITION, linear));
  }

  @Test
  void groupsAreBounded() {
    assertRefused("router.groups.count 0 is below 1", () -> groups(0, 1, 1));
    assertRefused("router.groups.keep 0 is not in 1..4", () -> groups(4, 0, 1));
    assertRefused("router.groups.keep 5 is not in 1..4", () -> groups(4, 5, 1));
    assertRefused("router.groups.best 0 is below 1", () -> groups(4, 2, 0));
  }

  @Test
  void groupsFitTheExperts() {
    assertRefused("router.groups.count 4 does not divide experts 6", () -> grouped(1, 4, 2, 1, 6));
    assertRefused("router.groups.best 3 is not in 1..2", () -> grouped(1, 4, 2, 3, 8));
    assertRefused("router.k 5 is not in 1..4 kept experts", () -> grouped(5, 4, 2, 2, 8));
    grouped(4, 4, 2, 2, 8);
  }

  @Test
  void logitsReadTheirOwnSource() {
    Router hash = Routers.hash(1);
    Router linear = Routers.switchTop1();
    assertRefused(
        "router.source HIDDEN does not go with logits TokenHash[seed=1]",
        () -> with(Source.HIDDEN, hash));
    assertRefused(
        "router.source TOKEN_ID does not go with logits Linear[bias=false]",
        () -> with(Source.TOKEN_ID, linear));
    assertTrue(hash.needsTokenIds());
    assertFalse(linear.needsTokenIds());
  }

  @Test
  void presetsHaveTheWeightsOfTheirModels() {
    assertWeights(Routers.switchTop1(), true, false, false);
    assertWeights(Routers.mixtral(2), true, false, false);
    assertWeights(Routers.olmoe(8), true, false, false);
    assertWeights(Routers.gptOss(4), true, true, false);
    assertWeights(Routers.deepseekV3(8, groups(8, 4, 2), 2.5), true, false, true);
    assertWeights(Routers.hash(0), false, false, false);
  }

  @Test
  void presetsWeighAsTheirPapersSay() {
    assertEquals(Gate.score(), Routers.switchTop1().gate());
    assertEquals(1, Routers.switchTop1().selection().most(8));
    assertEquals(Gate.normalisedScore(), Routers.mixtral(2).gate());
    assertEquals(2, Routers.mixtral(2).selection().most(8));
    assertEquals(Score.SOFTMAX, Routers.mixtral(2).score());
    assertEquals(Gate.score(), Routers.olmoe(8).gate());
    assertEquals(Gate.Of.SOFTMAX_OF_SELECTED, Routers.gptOss(4).gate().of());
    assertEquals(Score.IDENTITY, Routers.gptOss(4).score());
    Router deepseek = Routers.deepseekV3(8, groups(8, 4, 2), 2.5);
    assertEquals(Score.SIGMOID, deepseek.score());
    assertEquals(new Gate(Gate.Of.SCORE, new Gate.Normalise(1e-20), 2.5), deepseek.gate());
    assertEquals(Gate.Of.ONE, Routers.hash(0).gate().of());
    assertEquals(new Logits.TokenHash(7), Routers.hash(7).logits());
  }

  @Test
  void thresholdsAreFinite() {
    for (double bound : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
      assertRefused(
          "router.threshold.bound " + bound + " is not a finite number",
          () -> new Selection.Threshold(bound, true));
    }
    assertTrue(new Selection.Threshold(.5, false).admits(.5));
    assertFalse(new Selection.Threshold(.5, true).admits(.5));
  }

  @Test
  void prefixesAreNoLongerThanTheExperts() {
    assertRefused("router.prefix.least -1 is below 0", () -> new Selection.Prefix(-1));
    Router four = with(Routers.adaptiveComputation(false), new Selection.Prefix(4));
    assertRefused("router.prefix.least 4 is not in 0..3", () -> four.checkAgainst(3));
    four.checkAgainst(4);
    assertEquals(5, four.logitsFor(4));
    assertEquals(4, Routers.switchTop1().logitsFor(4));
  }

  @Test
  void secondChoicesStayAboveANumberAboveZero() {
    for (double threshold : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertRefused(
          "router.secondary.threshold " + threshold + " is not a finite number above 0",
          () -> new Selection.Secondary(threshold, null));
    }
  }

  @Test
  void capacitiesAreBounded() {
    assertRefused("router.capacity.rows 0 is below 1", () -> new Capacity.Size.Fixed(0));
    Capacity.Rounding floor = Capacity.Rounding.FLOOR;
    assertRefused(
        "router.capacity.factor 0.0 is not a finite number above 0",
        () -> new Capacity.Size.Share(0, 0, floor));
    assertRefused(
        "router.capacity.least -1 is below 0", () -> new Capacity.Size.Share(1, -1, floor));
    assertRefused(
        "router.capacity.less -1 is not in 0..1048576",
        () -> new Capacity.Size.Share(1, 0, floor, -1));
  }

  @Test
  void sizesAreRoundedAndNeverAboveThePopulation() {
    assertEquals(3, new Capacity.Size.Fixed(3).of(9, 2, 4));
    assertEquals(2, new Capacity.Size.Fixed(3).of(2, 2, 4));
    assertSizes(2, 2, 3, 1, 5, 2, 4);
    assertSizes(3, 4, 4, 1, 7, 2, 4);
    assertEquals(4, new Capacity.Size.Share(1, 4, Capacity.Rounding.FLOOR).of(9, 1, 9));
    assertEquals(3, new Capacity.Size.Share(1, 4, Capacity.Rounding.FLOOR).of(3, 1, 9));
    assertEquals(3, new Capacity.Size.Share(1e300, 0, Capacity.Rounding.CEIL).of(3, 1, 9));
    assertEquals(0, new Capacity.Size.Share(1, 4, Capacity.Rounding.CEIL).of(0, 1, 9));
    assertEquals(3, new Capacity.Size.Share(.5, 1, Capacity.Rounding.FLOOR, 1).of(9, 1, 1));
    assertEquals(1, new Capacity.Size.Share(.5, 1, Capacity.Rounding.FLOOR, 1).of(3, 1, 1));
  }

  @Test
  void tablesKnowAtLeastOneId() {
    assertRefused("router.table.size 0 is below 1", () -> Routers.hashTable(0));
  }

  @Test
  void onlyTopKHasCapacityGroupsAndSums() {
    Router each = Routers.mixtureOfDepthsCausal();
    String not = " selection, not Threshold[bound=0.0, strict=true]";
    Capacity capacity =
        new Capacity.Limited(
            new Capacity.Size.Fixed(1), Capacity.Population.STEP, Capacity.Priority.GATE);
    assertRefused(
        "router.capacity " + capacity + " needs a top-k" + not,
        () -> with(each, Preference.byScore(), Gate.score(), capacity));
    assertRefused(
        "router.gate SOFTMAX_OF_SELECTED needs a top-k" + not,
        () ->
            with(
                each,
                Preference.byScore(),
                new Gate(Gate.Of.SOFTMAX_OF_SELECTED, null, 1),
                new Capacity.Unlimited()));
    assertRefused(
        "router.gate.normalise needs a top-k" + not,
        () -> with(each, Preference.byScore(), Gate.normalisedScore(), new Capacity.Unlimited()));
    assertRefused(
        "router.groups need a top-k" + not,
        () ->
            with(
                each,
                new Preference(false, groups(1, 1, 1)),
                Gate.score(),
                new Capacity.Unlimited()));
  }

  @Test
  void onlyTopKOfAllChoicesPicksSomeAlways() {
    assertEquals(1, Routers.mohd(1, 2).preference().always());
    assertEquals(Routers.olmoe(2), Routers.mohd(0, 2));
    assertRefused("router.k 0 is below 1", () -> Routers.mohd(0, 0));
    assertRefused("router.always 0 is below 1", () -> new Preference(false, null, 0));
    assertRefused(
        "router.always 2 does not go with groups", () -> new Preference(true, groups(2, 1, 1), 2));
    assertRefused("router.always 2 is not in 1..1", () -> always(2, new Selection.TopK(1)));
    Selection secondary = new Selection.TopK(2, new Selection.Secondary(.2, null));
    Selection threshold = new Selection.Threshold(0, false);
    for (Selection other : List.of(secondary, threshold, new Selection.Prefix(0))) {
      assertRefused("router.always 1 does not go with selection " + other, () -> always(1, other));
    }
  }

  private static Router always(int first, Selection selection) {
    return Router.linear(Score.SOFTMAX, selection).with(new Preference(false, null, first));
  }

  @Test
  void sumsAfterTheDropNeedADrop() {
    assertRefused(
        "router.normalise.afterDrop needs a limited capacity",
        () ->
            with(
                Routers.mixtral(2),
                Preference.byScore(),
                new Gate(Gate.Of.SCORE, new Gate.Normalise(0, true), 1),
                new Capacity.Unlimited()));
  }

  @Test
  void expertsChooseAmongHiddenVectors() {
    Router hash = Routers.hash(1);
    Selection choice = new Selection.ExpertChoice(new Capacity.Size.Fixed(1));
    assertRefused(
        "router.source TOKEN_ID does not go with selection " + choice, () -> with(hash, choice));
  }

  @Test
  void randomLogitsReadKeys() {
    Router thor = Routers.thor(1);
    assertRefused(
        "router.source HIDDEN does not go with logits Random[seed=1]",
        () -> with(Source.HIDDEN, thor));
    assertTrue(thor.needsKeys());
    assertTrue(Routers.thorOfSequence(1).needsKeys());
    assertFalse(Routers.hash(1).needsKeys());
    Capacity unlimited = new Capacity.Unlimited();
    assertTrue(Routers.stMoe(new Selection.Secondary(.2, 1L), unlimited).needsKeys());
    assertFalse(Routers.stMoe(new Selection.Secondary(.2, null), unlimited).needsKeys());
    assertFalse(Routers.stMoe(null, unlimited).needsKeys());
  }

  @Test
  void routersKnowWhatTheyWaitFor() {
    Capacity.Size one = new Capacity.Size.Fixed(1);
    assertReads(Routers.mixtral(2), false, false, false);
    assertReads(Routers.mixtureOfDepthsCausal(), false, false, false);
    assertReads(Routers.thorOfSequence(1), false, false, false);
    assertReads(Routers.mindSkip(.5), true, false, false);
    assertReads(Routers.expertChoice(one), true, true, false);
    assertReads(Routers.mixtureOfDepths(one), true, true, false);
    for (Capacity.Population population : Capacity.Population.values()) {
      boolean batch = population == Capacity.Population.DISPATCH;
      Capacity limited = new Capacity.Limited(one, population, Capacity.Priority.POSITION);
      assertReads(Routers.switchTop1(limited), true, true, batch);
    }
  }

  @Test
  void nearLogitsHaveAJitter() {
    assertRefused(
        "router.gate SOFTMAX_OF_NEAR does not go with jitter null",
        () -> new Gate(Gate.Of.SOFTMAX_OF_NEAR, null, 1));
    assertRefused(
        "router.gate SCORE does not go with jitter 0.1",
        () -> new Gate(Gate.Of.SCORE, null, 1, .1));
    assertRefused("router.jitter 0.0 is not a finite number above 0", () -> Gate.softmaxOfNear(0));
    for (Selection selection :
        List.of(
            new Selection.Threshold(0, false),
            new Selection.TopK(2, new Selection.Secondary(.2, null)))) {
      assertThrows(
          DescriptionException.class,
          () ->
              new Router(
                  Source.HIDDEN,
                  new Logits.Linear(false),
                  Score.IDENTITY,
                  Preference.byScore(),
                  selection,
                  Gate.softmaxOfNear(.1),
                  new Capacity.Unlimited(),
                  Placement.OUTPUT));
    }
  }

  private static void assertReads(Router router, boolean whole, boolean later, boolean batch) {
    assertEquals(whole, router.needsWholeEvent());
    assertEquals(later, router.readsLaterRows());
    assertEquals(batch, router.readsTheBatch());
  }

  private static void assertSizes(
      int floor, int even, int ceil, double factor, int population, int choices, int experts) {
    for (Capacity.Rounding rounding : Capacity.Rounding.values()) {
      int expected =
          switch (rounding) {
            case FLOOR -> floor;
            case HALF_EVEN -> even;
            case CEIL -> ceil;
          };
      Capacity.Size size = new Capacity.Size.Share(factor, 0, rounding);
      assertEquals(expected, size.of(population, choices, experts), rounding.toString());
    }
  }

  private static Router with(Router router, Selection selection) {
    return new Router(
        router.source(),
        router.logits(),
        router.score(),
        router.preference(),
        selection,
        router.gate(),
        router.capacity(),
        router.placement());
  }

  private static void with(Router router, Preference preference, Gate gate, Capacity capacity) {
    new Router(
        router.source(),
        router.logits(),
        router.score(),
        preference,
        router.selection(),
        gate,
        capacity,
        router.placement());
  }

  private static Preference.Groups groups(int count, int keep, int best) {
    return new Preference.Groups(count, keep, best, false);
  }

  private static void grouped(int k, int count, int keep, int best, int experts) {
    Routers.deepseekV3(k, groups(count, keep, best), 1).checkAgainst(experts);
  }

  private static void with(Source source, Router router) {
    new Router(
        source,
        router.logits(),
        router.score(),
        router.preference(),
        router.selection(),
        router.gate(),
        router.capacity(),
        router.placement());
  }

  private static void assertWeights(
      Router router, boolean weight, boolean bias, boolean correction) {
    assertEquals(weight, router.hasWeight());
    assertEquals(bias, router.hasBias());
    assertEquals(correction, router.hasCorrection());
  }
}
