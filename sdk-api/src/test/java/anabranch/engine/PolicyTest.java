package anabranch.engine;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.Serialized;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PolicyTest {
  @Test
  void thresholdsAreFiniteNumbers() {
    for (double threshold :
        new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
      assertRefused(
          "policy.thresholds.a " + threshold + " is not a finite number",
          () -> Policy.named("v1").with("a", threshold));
    }
    assertEquals(Map.of("a", -1e300), Policy.named("v1").with("a", -1e300).thresholds());
  }

  @Test
  void versionIsAName() {
    assertRefused(
        "policy.version \"v 1\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> Policy.named("v 1"));
    assertRefused(
        "policy.version \"" + "v".repeat(65) + "\" is not 1 to 64 letters, digits, '_' or '-'",
        () -> Policy.named("v".repeat(65)));
    assertEquals("v".repeat(64), Policy.named("v".repeat(64)).version());
  }

  @Test
  void everyThresholdBelongsToAnExit() {
    Policy.fullDepth().checkAgainst(Scripts.causal());
    Scripts.both().checkAgainst(Scripts.causal());
    assertRefused(
        "policy.thresholds exit \"c\" is not one of [a, b]",
        () -> Scripts.both().with("c", 1).checkAgainst(Scripts.causal()));
  }

  @Test
  void thresholdsAreAddedAndReplacedWithoutTouchingTheOriginal() {
    Policy one = Policy.named("v1").with("a", 1);
    Policy two = one.with("a", 2).with("b", 3);
    assertEquals(Map.of("a", 1.0), one.thresholds());
    assertEquals(Map.of("a", 2.0, "b", 3.0), two.thresholds());
    assertEquals("v1", two.version());
    assertEquals(Map.of(), Policy.fullDepth().thresholds());
  }

  @Test
  void thresholdsAreCopied() {
    Map<String, Double> thresholds = new HashMap<>(Map.of("a", 1.0));
    Policy policy = new Policy("v1", thresholds);
    thresholds.put("b", 2.0);
    assertEquals(Map.of("a", 1.0), policy.thresholds());
    assertThrows(UnsupportedOperationException.class, () -> policy.thresholds().clear());
  }

  @Test
  void policiesSurviveSerialization() {
    Policy policy = Policy.named("v1").with("a", 0.1).with("b", -0.2);
    assertEquals(policy, Serialized.copy(policy));
    assertEquals(Policy.fullDepth(), Serialized.copy(Policy.fullDepth()));
  }
}
