package anabranch.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** R2 to R5: what the best logits alone say is what the steps one by one say. */
class LeadersTest {
  private static final double NEARLY_NOTHING = 1e-300;
  private static final double SCALE = 2.5;

  @Test
  void theBestLogitsAloneSayWhatTheStepsSay() {
    SplittableRandom random = new SplittableRandom(1);
    for (int round = 0; round < 20_000; round++) {
      int members = 1 + random.nextInt(40);
      int k = 1 + random.nextInt(members);
      float[] logits = new float[members];
      int kind = random.nextInt(6);
      for (int e = 0; e < members; e++) {
        logits[e] = draw(random, kind);
      }
      requireSame(logits, k);
    }
  }

  private static float draw(SplittableRandom random, int kind) {
    double any = 2 * random.nextDouble() - 1;
    return switch (kind) {
      case 0 -> (float) any;
      case 1 -> random.nextInt(3) - 1;
      case 2 -> (float) (any * 1e-18);
      case 3 -> (float) (any * 2000);
      case 4 -> random.nextBoolean() ? 0f : -0f;
      default -> (float) (any * Math.pow(10, -30 * random.nextDouble()));
    };
  }

  @Test
  void logitsThatRoundToOneSoftmaxTieThoughTheyDiffer() {
    requireSame(new float[] {1e-30f, 3e-30f, 2e-30f, -1}, 2);
    assertArrayEquals(new int[] {0, 1}, experts(Routers.mixtral(2), 1e-30f, 3e-30f, 2e-30f, -1));
  }

  @Test
  void logitsWithoutAnySoftmaxTieThoughTheyDiffer() {
    requireSame(new float[] {0, -800, -750, -900}, 2);
    assertArrayEquals(new int[] {0, 1}, experts(Routers.mixtral(2), 0, -800, -750, -900));
  }

  @Test
  void zerosOfEitherSignTie() {
    assertArrayEquals(new int[] {0, 1}, experts(Routers.mixtral(2), -0f, 0f, -0f));
    assertArrayEquals(new int[] {0, 1}, experts(Routers.granite(2), -0f, 0f, -0f));
  }

  @Test
  void otherRoutersTakeTheStepsOneByOne() {
    assertTrue(Leaders.decide(Routers.mixtral(2)));
    assertTrue(Leaders.decide(Routers.granite(2)));
    assertFalse(Leaders.decide(Routers.olmoe(2)));
    assertFalse(Leaders.decide(Routers.llama4(2)));
    assertFalse(Leaders.decide(oneByOne(2)));
  }

  /** Returns the same router but for a number that changes nothing. */
  private static Router oneByOne(int k) {
    return softmax(k, NEARLY_NOTHING);
  }

  private static Router softmax(int k, double epsilon) {
    return Router.linear(Score.SOFTMAX, new Selection.TopK(k))
        .with(new Gate(Gate.Of.SCORE, new Gate.Normalise(epsilon), SCALE));
  }

  private static Router ofSelected(int k, Gate.@Nullable Normalise normalise) {
    return Router.linear(Score.IDENTITY, new Selection.TopK(k))
        .with(new Gate(Gate.Of.SOFTMAX_OF_SELECTED, normalise, SCALE));
  }

  private static void requireSame(float[] logits, int k) {
    requireSame(softmax(k, 0), oneByOne(k), logits, k);
    requireSame(ofSelected(k, null), ofSelected(k, new Gate.Normalise(NEARLY_NOTHING)), logits, k);
  }

  private static void requireSame(Router one, Router other, float[] logits, int k) {
    assertTrue(Leaders.decide(one));
    assertFalse(Leaders.decide(other));
    Assignment fast = Call.of(1).decide(one, logits.length, logits);
    Assignment slow = Call.of(1).decide(other, logits.length, logits);
    assertArrayEquals(slow.experts(), fast.experts());
    for (int i = 0; i < k; i++) {
      assertEquals(slow.gate(0, i), fast.gate(0, i), Math.ulp(slow.gate(0, i)));
    }
  }

  private static int[] experts(Router router, float... logits) {
    return Call.of(1).decide(router, logits.length, logits).experts();
  }
}
