package anabranch.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class RoutingTest {
  /** Experts 1 and 4 tie. */
  private static final float[] TIED = {2, 1, .5f, -1, 1, -.5f, 0, .25f};

  private static final float[] CORRECTION = {0, -.4f, .1f, .5f, 0, .3f, .05f, -.1f};

  /** R2, R5: the softmax over all experts weighs. */
  @Test
  void switchTakesTheBestSoftmax() {
    assertRow(Routers.switchTop1(), null, TIED, new int[] {0}, .416689179);
  }

  /** R5, R8: of two experts that tie, the lower index is selected. */
  @Test
  void mixtralDividesByTheSumOfTheSelected() {
    assertRow(Routers.mixtral(2), null, TIED, new int[] {0, 1}, .731058579, .268941421);
  }

  /** R2: the rest to 1, cut to 0..1. */
  @Test
  void restsAreWhatIsLeftOfOne() {
    Router rest = Call.router(Score.REST, new Selection.TopK(3), Gate.score());
    assertRow(rest, null, new float[] {.25f, 1.5f, -2}, new int[] {2, 0, 1}, 1, .75, 0);
  }

  /** R5: softmax of the selected logits alone. */
  @Test
  void gptOssTakesSoftmaxOverTheSelected() {
    Router plain =
        Call.router(
            Score.IDENTITY, new Selection.TopK(2), new Gate(Gate.Of.SOFTMAX_OF_SELECTED, null, 1));
    assertRow(plain, null, TIED, new int[] {0, 1}, .731058579, .268941421);
    assertRow(Routers.gptOss(2), null, TIED, new int[] {0, 1}, .731058579, .268941421);
  }

  /** R5: of 2, 1, 0.5 and 0.25 those within 2 * 0.3 of the best, then without it. */
  @Test
  void sparseMixerWeighsAgainstWhatIsNear() {
    assertRow(Routers.sparseMixer(.01), null, TIED, new int[] {0, 1}, 1, .5);
    assertRow(Routers.sparseMixer(.3), null, TIED, new int[] {0, 1}, .576116885, .383651731);
    assertRow(
        Routers.sparseMixerTop1(.1), null, new float[] {2, 1.9f, .5f}, new int[] {0}, .524979);
    float[] negative = {-1, -1.1f, -3};
    assertRow(Routers.sparseMixer(.2), null, negative, new int[] {0, 1}, .524979, 1);
  }

  /** R3, R5: presets rank and weigh as their configurations say. */
  @Test
  void presetsOfPublishedModelsWeighAsTheyDo() {
    float[] tenth = CORRECTION.clone();
    for (int e = 0; e < tenth.length; e++) {
      tenth[e] *= .1f;
    }
    int[] best = {0, 4, 1};
    assertRow(Routers.ernie45(3), tenth, TIED, best, .576116885, .211941558, .211941558);
    assertRow(Routers.longcat(3, 6), tenth, TIED, best, 2.500135074, .919748294, .919748294);
    assertRow(Routers.llama4(1), null, TIED, new int[] {0}, .880797078);
    assertRow(Routers.smile(Gate.score()), null, TIED, new int[] {0}, .416689179);
    assertRow(Routers.averageKeys(2, Gate.score()), null, TIED, new int[] {0, 1}, 2, 1);
    for (Router two : List.of(Routers.granite(2), Routers.dbrx(2), Routers.qwen2Moe(2, true))) {
      assertRow(two, null, TIED, new int[] {0, 1}, .731058579, .268941421);
    }
    assertRow(Routers.qwen2Moe(2, false), null, TIED, new int[] {0, 1}, .416689179, .153291382);
    assertRow(
        Routers.deepseekV2(3, 4, 2, 2),
        null,
        TIED,
        new int[] {0, 1, 4},
        .833378358,
        .306582764,
        .306582764);
    assertRow(Routers.glm4Moe(2, 1.5), CORRECTION, TIED, new int[] {0, 3}, 1.149127317, .350872683);
  }

  /** R5: without a normalisation the scores stay. */
  @Test
  void olmoeLeavesTheSoftmaxAsItIs() {
    assertRow(Routers.olmoe(2), null, TIED, new int[] {0, 1}, .416689179, .153291382);
  }

  /** R3, R5: correction and groups rank, the score weighs. */
  @Test
  void deepseekRanksWithinTheBestGroupsAndWeighsWithoutCorrection() {
    Router router = Routers.deepseekV3(3, new Preference.Groups(4, 2, 2, false), 2.5);
    assertRow(router, CORRECTION, TIED, new int[] {3, 4, 2}, .414403949, 1.126466723, .959129328);
  }

  /** R3: the correction never reaches the gate. */
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

  /** R3: what is always picked comes first, in order, and weighs what it scores. */
  @Test
  void membersThatAreAlwaysPickedComeFirst() {
    float[] logits = {(float) Math.log(2), 0, (float) Math.log(3), (float) Math.log(4)};
    assertRow(Routers.mohd(2, 1), null, logits, new int[] {0, 1, 3}, .2, .1, .4);
    assertRow(Routers.mohd(2, 0), null, logits, new int[] {0, 1}, .2, .1);
    Router corrected = Routers.mohd(1, 1).with(new Preference(true, null, 1));
    assertRow(corrected, new float[] {-9, 9, 0, 0}, logits, new int[] {0, 1}, .2, .1);
  }

  /** R5: sigmoid of each selected logit. */
  @Test
  void sigmoidOfTheSelectedLogitWeighs() {
    assertRow(sigmoidOfSelected(1), null, TIED, new int[] {0}, .880797078);
    assertRow(sigmoidOfSelected(2), null, TIED, new int[] {0, 1}, .880797078, .731058579);
  }

  /** R3: a masked group ranks as minus infinity or as 0, which can win. */
  @Test
  void groupsMaskedToZeroCanWinAgainstNegativeMembers() {
    float[] logits = {-11, -12, -13, -14};
    Router hidden = grouped(new Preference.Groups(2, 1, 1, false));
    assertRow(hidden, null, logits, new int[] {0, 1}, -11, -12);
    Router zero = grouped(new Preference.Groups(2, 1, 1, true));
    assertRow(zero, null, logits, new int[] {2, 3}, -13, -14);
  }

  /** R8: of two groups that tie, the lower one stays. */
  @Test
  void tiedGroupsGoToTheLowerOne() {
    Router router = grouped(new Preference.Groups(2, 1, 2, false));
    assertRow(router, null, new float[] {1, 2, 2, 1}, new int[] {1, 0}, 2, 1);
  }

  /** R8: zeros of both signs are equal. */
  @Test
  void zerosOfBothSignsTie() {
    assertRow(grouped(null), null, new float[] {-0f, 0f, -0f}, new int[] {0, 1}, 0, 0);
  }

  /** R5: the epsilon is added to the sum, the scale multiplies last. */
  @Test
  void epsilonIsAddedToTheSum() {
    Router router =
        Call.router(
            Score.IDENTITY,
            new Selection.TopK(2),
            new Gate(Gate.Of.SCORE, new Gate.Normalise(1), 3));
    assertRow(router, null, new float[] {2, 1, 0}, new int[] {0, 1}, 1.5, 0.75);
  }

  /** R2: the maximum is subtracted. */
  @Test
  void largeLogitsDoNotOverflow() {
    assertRow(
        Routers.mixtral(2), null, new float[] {3e38f, -3e38f, 3e38f}, new int[] {0, 2}, .5, .5);
  }

  /** R0: rows that do not take part have no logits and no expert. */
  @Test
  void rowsThatDoNotRunTakeNoLogitsAndGetNoExpert() {
    Assignment got = Call.of(3).without(1).decide(Routers.mixtral(2), 3, 0, 1, 2, 2, 1, 0);
    assertArrayEquals(new int[] {2, 1, -1, -1, 0, 1}, got.experts());
    assertEquals(3, got.rows());
    assertEquals(2, got.k());
    assertEquals(0f, got.gate(1, 0));
    assertEquals(got.gate(0, 0), got.gate(2, 0));
    assertArrayEquals(
        new float[] {got.gate(0, 0), got.gate(0, 1), 0, 0, got.gate(2, 0), got.gate(2, 1)},
        got.gates());
  }

  /** E5: a logit that is not finite names its row and expert. */
  @Test
  void badLogitsNameRowAndExpert() {
    Routing routing = Routing.of("blocks.0.mixture", 0, Routers.mixtral(1), 2, null, null);
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      ArithmeticException thrown =
          assertThrows(
              ArithmeticException.class, () -> Call.of(3).without(1).decide(routing, 0, 0, 0, bad));
      assertEquals(
          "blocks.0.mixture: logit " + bad + " of row 2, expert 1 is not finite",
          thrown.getMessage());
    }
  }

  /**
   * E5, R5: a gate that is not finite is refused, as is a sum of 0 or of sigmoids that underflow.
   */
  @Test
  void gatesThatCannotBeNormalisedAreRefused() {
    Router scores = Call.router(Score.IDENTITY, new Selection.TopK(2), Gate.normalisedScore());
    Gate sigmoids = new Gate(Gate.Of.SIGMOID_OF_SELECTED, new Gate.Normalise(0), 1);
    Router shares = Call.router(Score.SOFTMAX, new Selection.TopK(2), sigmoids);
    assertNoGate("Infinity of row 0, expert 0", scores, 1, -1);
    assertNoGate("NaN of row 0, expert 1", shares, -746, -745.5f);
  }

  private static void assertNoGate(String gate, Router router, float... logits) {
    ArithmeticException thrown =
        assertThrows(ArithmeticException.class, () -> Call.of(1).decide(router, 2, logits));
    assertEquals(
        "m: gate " + gate + " is not finite: weights are divided by their sum",
        thrown.getMessage());
  }

  /** E2: a correction that does not fit names what was found. */
  @Test
  void correctionMustMatchTheRouter() {
    Router plain = Routers.mixtral(1);
    Router corrected = Routers.deepseekV3(1, new Preference.Groups(1, 1, 1, false), 1);
    assertWeights(
        "m.router.correction has 2 numbers instead of 0",
        () -> Routing.of("m", 0, plain, 2, new float[2], null));
    assertWeights(
        "m.router.correction has 0 numbers instead of 8",
        () -> Routing.of("m", 0, corrected, 8, null, null));
    float[] bad = new float[8];
    bad[3] = Float.NaN;
    assertWeights(
        "m.router.correction[3] NaN is not finite (rule E2)",
        () -> Routing.of("m", 0, corrected, 8, bad, null));
  }

  /** Logits are given exactly where they are read. */
  @Test
  void logitsBelongToRoutersThatReadThem() {
    assertEquals(
        "m routes by logits, but logits are missing",
        assertThrows(
                IllegalArgumentException.class,
                () -> Call.of(1).decide(Routers.mixtral(1), 2, (float[]) null))
            .getMessage());
    assertEquals(
        "m routes by TOKEN_ID, but logits are given",
        assertThrows(
                IllegalArgumentException.class, () -> Call.of(1).decide(Routers.hash(1), 2, 0, 0))
            .getMessage());
  }

  /** R5: normalised gates sum to 1; R4.1: nobody is ahead of a selected expert. */
  @Test
  void gatesOfOneRowSumToOneWhereNormalised() {
    float[] logits = Call.draw(new SplittableRandom(1), 50 * 16);
    Assignment got = Call.of(50).decide(Routers.mixtral(4), 16, logits);
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

  /** R9: a row's decision has the same bits in any batch. */
  @Test
  void rowsDecideAlikeInAnyOrderAndAlone() {
    Router router = Routers.deepseekV3(3, new Preference.Groups(4, 2, 2, false), 2.5);
    Routing routing = Routing.of("m", 0, router, 8, CORRECTION, null);
    float[] logits = Call.draw(new SplittableRandom(2), 30 * 8);
    Assignment together = Call.of(30).decide(routing, logits);
    float[] reversed = new float[logits.length];
    for (int row = 0; row < 30; row++) {
      System.arraycopy(logits, row * 8, reversed, (29 - row) * 8, 8);
    }
    Assignment backwards = Call.of(30).decide(routing, reversed);
    Assignment alone = new Assignment();
    for (int row = 0; row < 30; row++) {
      routing.decide(Call.of(1), FloatBuffer.wrap(logits, row * 8, 8).slice(), alone);
      for (int i = 0; i < 3; i++) {
        assertEquals(together.expert(row, i), backwards.expert(29 - row, i));
        assertEquals(together.gate(row, i), backwards.gate(29 - row, i));
        assertEquals(together.expert(row, i), alone.expert(0, i));
        assertEquals(together.gate(row, i), alone.gate(0, i));
      }
    }
  }

  /** A decision that was taken before into the same assignment leaves nothing to collect. */
  @Test
  void rowsSeenBeforeTakeNoMemory() {
    Capacity.Limited capacity =
        new Capacity.Limited(
            new Capacity.Size.Fixed(3), Capacity.Population.STEP, Capacity.Priority.GATE);
    Routing[] routings = {
      Routing.of("m", 0, Routers.stMoe(new Selection.Secondary(.2, 7L), capacity), 8, null, null),
      Routing.of("m", 0, Routers.expertChoice(new Capacity.Size.Fixed(3)), 8, null, null),
    };
    FloatBuffer logits = FloatBuffer.wrap(Call.draw(new SplittableRandom(3), 64 * 8));
    Call call = Call.of(32, 32);
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (Routing routing : routings) {
      Assignment into = new Assignment();
      routing.decide(call, logits, into);
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 100; i++) {
        routing.decide(call, logits, into);
      }
      long taken = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(taken < 6400, routing + " took " + taken + " bytes for 6400 rows");
    }
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
    Assignment got =
        Call.of(1).decide(Routing.of("m", 0, router, logits.length, correction, null), logits);
    assertArrayEquals(experts, got.experts());
    for (int i = 0; i < gates.length; i++) {
      assertEquals(gates[i], got.gate(0, i), 1e-6, "gate " + i);
    }
  }

  private static void assertWeights(String message, Executable action) {
    assertEquals(message, assertThrows(WeightsException.class, action).getMessage());
  }

  private static Router corrected(Gate gate) {
    return Call.router(
        Source.HIDDEN,
        Score.SOFTMAX,
        new Preference(true, null),
        new Selection.TopK(3),
        gate,
        new Capacity.Unlimited());
  }

  private static Router sigmoidOfSelected(int k) {
    Gate gate = new Gate(Gate.Of.SIGMOID_OF_SELECTED, null, 1);
    return Call.router(Score.IDENTITY, new Selection.TopK(k), gate);
  }

  private static Router grouped(Preference.Groups groups) {
    return Call.router(
        Source.HIDDEN,
        Score.IDENTITY,
        new Preference(false, groups),
        new Selection.TopK(2),
        Gate.score(),
        new Capacity.Unlimited());
  }
}
