package anabranch.model.route;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
    assertEquals(1, Routers.switchTop1().selection().k());
    assertEquals(Gate.normalisedScore(), Routers.mixtral(2).gate());
    assertEquals(2, Routers.mixtral(2).selection().k());
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
