package anabranch.engine;

import static anabranch.Refusals.assertRefused;
import static anabranch.model.plan.Head.Pool.EACH;
import static anabranch.model.plan.Head.Pool.MEAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.Serialized;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.HashMap;
import java.util.List;
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

  @Test
  void haltsAndPrunesHaveThresholdsToo() {
    ModelSpec spec = thinning();
    Policy.named("v1").with("a", 1).with("again", 0.3).with("thin", 0.5).checkAgainst(spec);
    assertRefused(
        "policy.thresholds exit, halt or prune \"c\" is not one of [a, again, thin]",
        () -> Policy.named("v1").with("c", 1).checkAgainst(spec));
  }

  @Test
  void aPruneKeepsAShare() {
    Policy.named("v1").with("thin", 1).checkAgainst(thinning());
    for (double share : new double[] {0, -0.5, 1.001}) {
      assertRefused(
          "policy.thresholds.thin "
              + share
              + " is not a share of rows to keep, above 0 and at"
              + " most 1",
          () -> Policy.named("v1").with("thin", share).checkAgainst(thinning()));
    }
  }

  @Test
  void patienceNeedsOneRepetition() {
    ModelSpec patient =
        Scripts.spec(
            EACH,
            Plan.builder()
                .add(Scripts.block(Scripts.ALONE))
                .add(Scripts.exit("a", EACH, Criterion.patience(), Bypass.MASK))
                .add(Scripts.block(Scripts.ALONE))
                .build());
    Policy.named("v1").with("a", 1).checkAgainst(patient);
    assertRefused(
        "policy.thresholds.a 0.5 is below 1: the first label would be enough",
        () -> Policy.named("v1").with("a", 0.5).checkAgainst(patient));
  }

  @Test
  void exitsOfTheEncoderHaveThresholdsToo() {
    ModelSpec spec = Scripts.reading(Scripts.causal(), encoder());
    Policy.named("v1").with("m", 0.5).with("a", 1).checkAgainst(spec);
    assertRefused(
        "policy.thresholds exit \"c\" is not one of [a, b, m]",
        () -> Policy.named("v1").with("c", 1).checkAgainst(spec));
  }

  private static Plan encoder() {
    return Plan.builder()
        .add(Scripts.block(Scripts.FULL))
        .add(new Exit("m", null, Criterion.learned(), Bypass.TERMINATE))
        .add(Scripts.block(Scripts.FULL))
        .build();
  }

  private static ModelSpec thinning() {
    return Scripts.spec(
        MEAN,
        Plan.builder()
            .add(Scripts.block(Scripts.FULL))
            .add(new Prune("thin", Criterion.Score.LEARNED, List.of()))
            .add(Scripts.loop("again", 0, 2, EACH, Bypass.MASK))
            .add(Scripts.exit("a", MEAN, Criterion.margin(), Bypass.TERMINATE))
            .add(Scripts.block(Scripts.FULL))
            .build());
  }
}
