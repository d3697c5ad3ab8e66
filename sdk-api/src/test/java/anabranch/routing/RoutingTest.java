package anabranch.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import anabranch.model.Activation;
import anabranch.model.FeedForward;
import anabranch.model.Mixture;
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
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RoutingTest {
  /** Experts 1 and 4 tie. */
  private static final float[] TIED = {2, 1, .5f, -1, 1, -.5f, 0, .25f};

  private static final float[] CORRECTION = {0, -.4f, .1f, .5f, 0, .3f, .05f, -.1f};

  @Test
  void switchTakesTheBestSoftmax() {
    assertRow(Routers.switchTop1(), null, TIED, new int[] {0}, .416689179);
  }

  @Test
  void mixtralDividesByTheSumOfTheSelected() {
    assertRow(Routers.mixtral(2), null, TIED, new int[] {0, 1}, .731058579, .268941421);
  }

  @Test
  void gptOssTakesSoftmaxOverTheSelected() {
    assertRow(Routers.gptOss(2), null, TIED, new int[] {0, 1}, .731058579, .268941421);
  }

  @Test
  void olmoeLeavesTheSoftmaxAsItIs() {
    assertRow(Routers.olmoe(2), null, TIED, new int[] {0, 1}, .416689179, .153291382);
  }

  @Test
  void deepseekRanksWithinTheBestGroupsAndWeighsWithoutCorrection() {
    Router router = Routers.deepseekV3(3, new Preference.Groups(4, 2, 2, false), 2.5);
    assertRow(router, CORRECTION, TIED, new int[] {3, 4, 2}, .414403949, 1.126466723, .959129328);
  }

  @Test
  void correctionBreaksTheTieButStaysOutOfTheGate() {
    float[] tenth = new float[8];
    for (int e = 0; e < 8; e++) {
      tenth[e] = CORRECTION[e] / 10;
    }
    Router ernie = corrected(new Gate(Gate.Of.SCORE, new Gate.Normalise(0), 1));
    assertRow(ernie, tenth, TIED, new int[] {0, 4, 1}, .576116885, .211941558, .211941558);
    Router longCat = corrected(new Gate(Gate.Of.SCORE, null, 6));
    assertRow(longCat, tenth, TIED, new int[] {0, 4, 1}, 2.500135074, .919748294, .919748294);
  }

  @Test
  void sigmoidOfTheSelectedLogitWeighs() {
    assertRow(sigmoidOfSelected(1), null, TIED, new int[] {0}, .880797078);
    assertRow(sigmoidOfSelected(2), null, TIED, new int[] {0, 1}, .880797078, .731058579);
  }

  @Test
  void groupsMaskedToZeroCanWinAgainstNegativeMembers() {
    float[] logits = {-11, -12, -13, -14};
    Router hidden = grouped(new Preference.Groups(2, 1, 1, false));
    assertRow(hidden, null, logits, new int[] {0, 1}, -11, -12);
    Router zero = grouped(new Preference.Groups(2, 1, 1, true));
    assertRow(zero, null, logits, new int[] {2, 3}, -13, -14);
  }

  @Test
  void tiedGroupsGoToTheLowerOne() {
    Router router = grouped(new Preference.Groups(2, 1, 2, false));
    assertRow(router, null, new float[] {1, 2, 2, 1}, new int[] {1, 0}, 2, 1);
  }

  @Test
  void zerosOfBothSignsTie() {
    assertRow(grouped(null), null, new float[] {-0f, 0f, -0f}, new int[] {0, 1}, 0, 0);
  }

  @Test
  void epsilonIsAddedToTheSum() {
    Router router =
        router(Score.IDENTITY, Preference.byScore(), 2, new Gate(Gate.Of.SCORE, norm(1), 1));
    assertRow(router, null, new float[] {2, 1, 0}, new int[] {0, 1}, 0.5, 0.25);
  }

  @Test
  void hashesMatchTheirPublishedVectors() {
    assertEquals(0x5692161d100b05e5L, TokenHash.mix(1));
    assertEquals(0xa706dd2f4d197e6fL, TokenHash.hash(0, 0));
    assertEquals(0x0d3961f6e2135428L, TokenHash.hash(42, 1, 2, 3));
    assertEquals(0xcf14468421ffe4e2L, TokenHash.hash(42, 3, 2, 1));
    assertEquals(0, TokenHash.below(TokenHash.hash(42, 1, 2, 3), 8));
    assertEquals(4, TokenHash.below(TokenHash.hash(42, 1, 2, 4), 8));
  }

  @Test
  void tokensDecideByTheirHashAlone() {
    Routing routing = Routing.of("m", mixture(5, Routers.hash(3)), null);
    assertTrue(routing.readsTokens());
    Assignment got = new Assignment();
    int[] tokens = new int[200];
    for (int t = 0; t < tokens.length; t++) {
      tokens[t] = t % 100;
    }
    routing.decideByToken(tokens, all(tokens.length), got);
    int[] counts = new int[5];
    for (int t = 0; t < tokens.length; t++) {
      assertEquals(TokenHash.expert(3, t % 100, 5), got.expert(t, 0));
      assertEquals(1f, got.gate(t, 0));
      counts[got.expert(t, 0)]++;
    }
    assertTrue(Arrays.stream(counts).min().orElse(0) > 0, Arrays.toString(counts));
  }

  @Test
  void rowsThatDoNotRunTakeNoLogitsAndGetNoExpert() {
    Routing routing = Routing.of("m", mixture(3, Routers.mixtral(2)), null);
    Assignment got = new Assignment();
    routing.decide(
        FloatBuffer.wrap(new float[] {0, 1, 2, 2, 1, 0}), new boolean[] {true, false, true}, got);
    assertArrayEquals(new int[] {2, 1, -1, -1, 0, 1}, got.experts());
    assertEquals(0f, got.gate(1, 0));
    assertEquals(got.gate(0, 0), got.gate(2, 0));
    Routing hashing = Routing.of("m", mixture(50, Routers.hash(9)), null);
    hashing.decideByToken(new int[] {6, 7}, new boolean[] {true, false, true}, got);
    int[] expected = {TokenHash.expert(9, 6, 50), -1, TokenHash.expert(9, 7, 50)};
    assertArrayEquals(expected, got.experts());
  }

  @Test
  void badLogitsNameRowAndExpert() {
    Routing routing = Routing.of("blocks.0.mixture", mixture(2, Routers.mixtral(1)), null);
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      ArithmeticException thrown =
          assertThrows(
              ArithmeticException.class,
              () ->
                  routing.decide(
                      FloatBuffer.wrap(new float[] {0, 0, 0, bad}),
                      new boolean[] {true, false, true},
                      new Assignment()));
      assertEquals(
          "blocks.0.mixture: logit " + bad + " of row 2, expert 1 is not finite",
          thrown.getMessage());
    }
  }

  @Test
  void gatesThatCannotBeNormalisedAreRefused() {
    Router router =
        router(Score.IDENTITY, Preference.byScore(), 2, new Gate(Gate.Of.SCORE, norm(0), 1));
    Routing routing = Routing.of("m", mixture(2, router), null);
    assertThrows(
        ArithmeticException.class,
        () -> routing.decide(FloatBuffer.wrap(new float[] {1, -1}), all(1), new Assignment()));
  }

  @Test
  void correctionMustMatchTheRouter() {
    Mixture plain = mixture(2, Routers.mixtral(1));
    assertThrows(WeightsException.class, () -> Routing.of("m", plain, new float[2]));
    Mixture corrected = mixture(8, Routers.deepseekV3(1, new Preference.Groups(1, 1, 1, false), 1));
    assertThrows(WeightsException.class, () -> Routing.of("m", corrected, null));
    float[] bad = new float[8];
    bad[3] = Float.NaN;
    assertThrows(WeightsException.class, () -> Routing.of("m", corrected, bad));
  }

  @Test
  void gatesOfOneRowSumToOneWhereNormalised() {
    SplittableRandom random = new SplittableRandom(1);
    Routing routing = Routing.of("m", mixture(16, Routers.mixtral(4)), null);
    Assignment got = new Assignment();
    float[] logits = draw(random, 50 * 16);
    routing.decide(FloatBuffer.wrap(logits), all(50), got);
    for (int row = 0; row < 50; row++) {
      float sum = 0;
      for (int i = 0; i < 4; i++) {
        sum += got.gate(row, i);
        int expert = got.expert(row, i);
        for (int e = 0; e < 16; e++) {
          float ahead = logits[row * 16 + e] - logits[row * 16 + expert];
          assertTrue(ahead <= 0 || isBefore(got, row, e, i), "row " + row + " expert " + e);
        }
      }
      assertEquals(1f, sum, 1e-6f);
    }
  }

  @Test
  void rowsDecideAlikeInAnyOrderAndAlone() {
    SplittableRandom random = new SplittableRandom(2);
    Router router = Routers.deepseekV3(3, new Preference.Groups(4, 2, 2, false), 2.5);
    Routing routing = Routing.of("m", mixture(8, router), CORRECTION);
    float[] logits = draw(random, 30 * 8);
    Assignment together = new Assignment();
    routing.decide(FloatBuffer.wrap(logits), all(30), together);
    float[] reversed = new float[logits.length];
    for (int row = 0; row < 30; row++) {
      System.arraycopy(logits, row * 8, reversed, (29 - row) * 8, 8);
    }
    Assignment backwards = new Assignment();
    routing.decide(FloatBuffer.wrap(reversed), all(30), backwards);
    Assignment alone = new Assignment();
    for (int row = 0; row < 30; row++) {
      routing.decide(FloatBuffer.wrap(logits, row * 8, 8).slice(), all(1), alone);
      for (int i = 0; i < 3; i++) {
        assertEquals(together.expert(row, i), backwards.expert(29 - row, i));
        assertEquals(together.gate(row, i), backwards.gate(29 - row, i));
        assertEquals(together.expert(row, i), alone.expert(0, i));
        assertEquals(together.gate(row, i), alone.gate(0, i));
      }
    }
  }

  @Test
  void largeLogitsDoNotOverflow() {
    assertRow(
        Routers.mixtral(2), null, new float[] {3e38f, -3e38f, 3e38f}, new int[] {0, 2}, .5, .5);
  }

  private static boolean isBefore(Assignment got, int row, int expert, int choice) {
    for (int i = 0; i < choice; i++) {
      if (got.expert(row, i) == expert) {
        return true;
      }
    }
    return false;
  }

  private static void assertRow(
      Router router, float[] correction, float[] logits, int[] experts, double... gates) {
    Routing routing = Routing.of("m", mixture(logits.length, router), correction);
    Assignment got = new Assignment();
    routing.decide(FloatBuffer.wrap(logits), all(1), got);
    assertArrayEquals(experts, got.experts());
    for (int i = 0; i < gates.length; i++) {
      assertEquals(gates[i], got.gate(0, i), 1e-6, "gate " + i);
    }
  }

  private static Router corrected(Gate gate) {
    return router(Score.SOFTMAX, new Preference(true, null), 3, gate);
  }

  private static Router sigmoidOfSelected(int k) {
    Gate gate = new Gate(Gate.Of.SIGMOID_OF_SELECTED, null, 1);
    return router(Score.IDENTITY, Preference.byScore(), k, gate);
  }

  private static Router grouped(Preference.Groups groups) {
    return router(Score.IDENTITY, new Preference(false, groups), 2, Gate.score());
  }

  private static Gate.Normalise norm(double epsilon) {
    return new Gate.Normalise(epsilon);
  }

  private static Router router(Score score, Preference preference, int k, Gate gate) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(false),
        score,
        preference,
        new Selection.TopK(k),
        gate,
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }

  private static Mixture mixture(int experts, Router router) {
    return new Mixture(experts, FeedForward.plain(1, Activation.RELU), router);
  }

  private static boolean[] all(int rows) {
    boolean[] live = new boolean[rows];
    Arrays.fill(live, true);
    return live;
  }

  private static float[] draw(SplittableRandom random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (4 * random.nextDouble() - 2);
    }
    return values;
  }
}
