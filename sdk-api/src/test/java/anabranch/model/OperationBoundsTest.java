package anabranch.model;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.route.Routers;
import org.junit.jupiter.api.Test;

class OperationBoundsTest {
  @Test
  void attentionHasHeadsThatShareKeysEvenly() {
    assertRefused("attention.heads 0 is below 1", () -> Attention.causal(0, 4));
    assertRefused("attention.headWidth 0 is below 1", () -> Attention.full(1, 0));
    Attention four = Attention.causal(4, 3);
    assertRefused("attention.keyValueHeads 0 is not in 1..4", () -> four.withKeyValueHeads(0));
    assertRefused("attention.keyValueHeads 5 is not in 1..4", () -> four.withKeyValueHeads(5));
    assertRefused(
        "attention.keyValueHeads 3 does not divide heads 4", () -> four.withKeyValueHeads(3));
    assertEquals(12, four.withKeyValueHeads(2).queryWidth());
    assertEquals(6, four.withKeyValueHeads(2).keyValueWidth());
  }

  @Test
  void headsTogetherDoNotOverflow() {
    assertRefused(
        "attention.heads 65537 times headWidth 65537 is above 1048576",
        () -> Attention.causal(65_537, 65_537));
    assertRefused(
        "attention.heads 1 times headWidth 1048577 is above 1048576",
        () -> Attention.causal(1, 1_048_577));
    assertEquals(1 << 20, Attention.causal(1 << 10, 1 << 10).queryWidth());
  }

  @Test
  void rotaryPositionsNeedHalvesAndABaseAboveOne() {
    assertRefused(
        "attention.headWidth 3 is odd, so rotary positions have no halves",
        () -> Attention.causal(1, 3).withRotary(10_000));
    assertRefused(
        "attention.rotary.base 1.0 is not above 1", () -> Attention.causal(1, 4).withRotary(1));
    assertRefused(
        "attention.rotary.base NaN is not a finite number above 0",
        () -> new Attention.Rotary(Double.NaN));
    assertRefused(
        "attention.rotary.base Infinity is not a finite number above 0",
        () -> new Attention.Rotary(Double.POSITIVE_INFINITY));
  }

  @Test
  void feedForwardHasAnInnerLength() {
    assertRefused("feedForward.inner 0 is below 1", () -> FeedForward.plain(0, Activation.RELU));
  }

  @Test
  void mixtureHasExpertsEnoughForItsRouter() {
    FeedForward expert = FeedForward.plain(2, Activation.RELU);
    assertRefused(
        "mixture.experts 0 is not in 1..65536", () -> new Mixture(0, expert, Routers.switchTop1()));
    assertRefused(
        "mixture.experts 65537 is not in 1..65536",
        () -> new Mixture(65_537, expert, Routers.switchTop1()));
    assertRefused("router.k 3 is not in 1..2", () -> new Mixture(2, expert, Routers.mixtral(3)));
  }

  @Test
  void onlyAttentionMixesRows() {
    FeedForward expert = FeedForward.plain(2, Activation.RELU);
    assertTrue(Attention.causal(1, 2).mixes());
    assertTrue(Attention.full(1, 2).mixes());
    assertFalse(expert.mixes());
    assertFalse(new Mixture(2, expert, Routers.switchTop1()).mixes());
  }

  @Test
  void normsHaveAPositiveEpsilon() {
    String bound = " is not a finite number above 0";
    for (double epsilon : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertRefused("norm.epsilon " + epsilon + bound, () -> new Norm.Layer(epsilon));
      assertRefused("norm.epsilon " + epsilon + bound, () -> new Norm.Rms(epsilon));
    }
  }
}
