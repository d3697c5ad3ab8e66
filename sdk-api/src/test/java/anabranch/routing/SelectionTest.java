package anabranch.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SelectionTest {
  private static final Gate ONE = new Gate(Gate.Of.ONE, null, 1);

  /** The rows of two experts' softmax: (.75, .25), (.6, .4), (.9, .1), (.2, .8). */
  private static final float[] FOUR = Call.logitsOf(.75, .25, .6, .4, .9, .1, .2, .8);

  /** R4.2: best first, ties by index; at the bound only where it is not strict. */
  @Test
  void thresholdSelectsWhatReachesIt() {
    float[] logits = {1, 3, 2, 1, 0, 3};
    assertArrayEquals(
        new int[] {1, 5, 2, 0, 3, -1},
        Call.of(1).decide(threshold(Score.IDENTITY, 1, false), 6, logits).experts());
    assertArrayEquals(
        new int[] {1, 5, 2, -1, -1, -1},
        Call.of(1).decide(threshold(Score.IDENTITY, 1, true), 6, logits).experts());
  }

  /** R4.2, R8: a zero of either sign reaches 0 and does not exceed it. */
  @Test
  void negativeZeroReachesZero() {
    Assignment at = Call.of(2).decide(threshold(Score.IDENTITY, 0, false), 1, -0f, 0f);
    assertArrayEquals(new int[] {0, 0}, at.experts());
    Assignment above = Call.of(2).decide(threshold(Score.IDENTITY, -0.0, true), 1, -0f, 0f);
    assertArrayEquals(new int[] {-1, -1}, above.experts());
  }

  /** R4.2: a NaN reaches no bound. */
  @Test
  void nanReachesNoBound() {
    for (boolean strict : new boolean[] {true, false}) {
      Selection.Threshold bound = new Selection.Threshold(-Double.MAX_VALUE, strict);
      assertEquals(false, bound.admits(Double.NaN));
      assertTrue(bound.admits(0));
    }
  }

  /** R4.2: none, too, is a decision. */
  @Test
  void thresholdMaySelectNone() {
    Assignment got = Call.of(1).decide(threshold(Score.SIGMOID, .9, false), 3, 0, 1, 2);
    assertArrayEquals(new int[] {-1, -1, -1}, got.experts());
    assertArrayEquals(new float[3], got.gates());
  }

  /** R4.2, R5: softmax over all members weighs what is selected. */
  @Test
  void scoresOfSelectedMembersWeigh() {
    float[] logits = Call.logitsOf(.5, .3, .2);
    Assignment got = Call.of(1).decide(threshold(Score.SOFTMAX, .25, false), 3, logits);
    assertArrayEquals(new int[] {0, 1, -1}, got.experts());
    assertArrayEquals(new float[] {.5f, .3f, 0}, got.gates(), 1e-6f);
  }

  /** R4.3: the best of one choice more than there are experts says how many run. */
  @Test
  void prefixRunsTheFirstExperts() {
    Router router = Routers.adaptiveComputation(false);
    Assignment got = Call.of(3).decide(router, 3, 9, 1, 2, 3, /**/ 0, 0, 5, 0, /**/ 0, 1, 2, 3);
    assertArrayEquals(new int[] {-1, -1, -1, 0, 1, -1, 0, 1, 2}, got.experts());
    assertArrayEquals(new float[] {0, 0, 0, 1, 1, 0, 1, 1, 1}, got.gates());
  }

  /** R4.3, R8: ties go to the lower number, zeros of both signs among them. */
  @Test
  void tiedPrefixesGoToTheShorterOne() {
    Router router = Routers.adaptiveComputation(false);
    Assignment got = Call.of(2).decide(router, 2, -1, 4, 4, /**/ -0f, 0, 0);
    assertArrayEquals(new int[] {0, -1, -1, -1}, got.experts());
  }

  /** R4.3: a smaller number is raised to the least. */
  @Test
  void prefixHasALeastLength() {
    Router router = Call.router(Score.IDENTITY, new Selection.Prefix(2), ONE);
    Assignment got = Call.of(2).decide(router, 3, 9, 0, 0, 0, /**/ 0, 0, 0, 9);
    assertArrayEquals(new int[] {0, 1, -1, 0, 1, 2}, got.experts());
  }

  /** R4.3, R5: each of the first n is weighed by choice n. */
  @Test
  void prefixIsWeighedByItsChoice() {
    float[] logits = Call.logitsOf(.2, .1, .7);
    Router score = Call.router(Score.SOFTMAX, new Selection.Prefix(0), Gate.score());
    assertArrayEquals(new float[] {.7f, .7f}, Call.of(1).decide(score, 2, logits).gates(), 1e-6f);
    Gate sigmoid = new Gate(Gate.Of.SIGMOID_OF_SELECTED, null, 2);
    Router scaled = Call.router(Score.IDENTITY, new Selection.Prefix(0), sigmoid);
    assertArrayEquals(
        new float[] {1.462117157f, 0, 0},
        Call.of(1).decide(scaled, 3, 0, 1, -1, -2).gates(),
        1e-6f);
  }

  /** R4.4: experts pick rows; a row has none, one or several, and weights as they are. */
  @Test
  void expertsPickTheirBestRows() {
    Router all = Routers.expertChoice(share(1));
    Assignment two = Call.of(4).decide(all, 2, FOUR);
    assertArrayEquals(new int[] {0, -1, 1, -1, 0, -1, 1, -1}, two.experts());
    assertArrayEquals(new float[] {.75f, .8f, .9f, 1.6f}, deltas(two), 1e-6f);
    Assignment one = Call.of(4).decide(Routers.expertChoice(share(.5)), 2, FOUR);
    assertArrayEquals(new float[] {0, 0, .9f, 1.6f}, deltas(one), 1e-6f);
  }

  /** R4.4, R8: ties go to the earlier row; a row's experts stand best first, then by index. */
  @Test
  void tiedRowsGoToTheEarlierOne() {
    Router router =
        Call.router(
            Score.IDENTITY, new Selection.ExpertChoice(new Capacity.Size.Fixed(1)), Gate.score());
    Assignment got = Call.of(3).decide(router, 3, 1, 2, 2, /**/ 1, 2, 2, /**/ 0, 0, 3);
    assertArrayEquals(new int[] {1, 0, -1, -1, -1, -1, 2, -1, -1}, got.experts());
    Assignment tied = Call.of(1).decide(router, 3, -0f, 1, 0f);
    assertArrayEquals(new int[] {1, 0, 2}, tied.experts());
  }

  /** R4.4, I3: the population is the live rows of one event, whatever else is in the call. */
  @Test
  void expertsPickAmongTheLiveRowsOfOneEvent() {
    float[] twice = Arrays.copyOf(FOUR, 16);
    System.arraycopy(FOUR, 0, twice, 8, 8);
    Router router = Routers.expertChoice(share(1));
    Assignment alone = Call.of(4).decide(router, 2, FOUR);
    Assignment both = Call.of(5, 4).without(2).decide(router, 2, twice);
    int[] experts = {0, -1, 1, -1, -1, -1, 0, -1, 1, -1};
    assertArrayEquals(experts, Arrays.copyOf(both.experts(), 10));
    assertArrayEquals(alone.experts(), Arrays.copyOfRange(both.experts(), 10, 18));
    assertArrayEquals(alone.gates(), Arrays.copyOfRange(both.gates(), 10, 18));
  }

  /** R4.4: of eight rows a quarter runs, weighed by the raw number: x + r * f(x) with f(x) = x. */
  @Test
  void mixtureOfDepthsRunsTheLargestRows() {
    Router router = Routers.mixtureOfDepths(share(.25));
    Assignment got = Call.of(8).decide(router, 1, .1f, 1.5f, -3, 0, .2f, 2, 1.4f, 1);
    float[] result = new float[8];
    for (int row = 0; row < 8; row++) {
      result[row] = 1 + got.gate(row, 0);
    }
    assertArrayEquals(new float[] {1, 2.5f, 1, 1, 1, 3, 1, 1}, result);
    assertArrayEquals(new int[] {-1, 0, -1, -1, -1, 0, -1, -1}, got.experts());
  }

  /** R4.2: the causal form runs where the number is above 0, and not at 0. */
  @Test
  void causalMixtureOfDepthsDecidesEachRowAlone() {
    Assignment got = Call.of(4).decide(Routers.mixtureOfDepthsCausal(), 1, .5f, 0, -1, 3);
    assertArrayEquals(new int[] {0, -1, -1, 0}, got.experts());
    assertArrayEquals(new float[] {.5f, 0, 0, 3}, got.gates());
  }

  /** R4.5: all second choices, or those whose gate is above the threshold. */
  @Test
  void secondChoicesStayAboveTheThreshold() {
    float[] logits = Call.logitsOf(.5, .3, .2, /**/ .3, .1, .6, /**/ .9, .1, 0.0000001);
    Assignment all = Call.of(3).decide(secondary(null), 3, logits);
    assertArrayEquals(new int[] {0, 1, 2, 0, 0, 1}, all.experts());
    Assignment some = Call.of(3).decide(secondary(new Selection.Secondary(.34, null)), 3, logits);
    assertArrayEquals(new int[] {0, 1, 2, -1, 0, -1}, some.experts());
    assertEquals(all.gate(1, 0), some.gate(1, 0));
    Assignment none = Call.of(3).decide(secondary(new Selection.Secondary(1, null)), 3, logits);
    assertArrayEquals(new int[] {0, -1, 2, -1, 0, -1}, none.experts());
  }

  /** R4.5: a gate at the threshold is not above it. */
  @Test
  void aSecondChoiceAtTheThresholdGoes() {
    Assignment got = Call.of(1).decide(secondary(new Selection.Secondary(.5, null)), 2, 0, 0);
    assertArrayEquals(new int[] {0, -1}, got.experts());
  }

  /** R4.5, R10: the same seed, key and position give the same choices in any batch. */
  @Test
  void randomSecondChoicesComeFromTheSeed() {
    float[] logits = new float[2000];
    for (int row = 0; row < 1000; row++) {
      System.arraycopy(Call.logitsOf(.9, .1), 0, logits, 2 * row, 2);
    }
    Router router = secondary(new Selection.Secondary(.2, 5L));
    Assignment got = Call.of(1000).keys(77).decide(router, 2, logits);
    Assignment again = Call.of(1000).keys(77).decide(router, 2, logits);
    assertArrayEquals(got.experts(), again.experts());
    int stayed = 0;
    for (int row = 0; row < 1000; row++) {
      Assignment alone = Call.of(1).keys(77).at(0, row).decide(router, 2, Call.logitsOf(.9, .1));
      assertEquals(got.expert(row, 1), alone.expert(0, 1));
      stayed += got.expert(row, 1) == 1 ? 1 : 0;
    }
    assertEquals(500, stayed, 60);
    Router other = secondary(new Selection.Secondary(.2, 6L));
    assertTrue(
        !Arrays.equals(got.experts(), Call.of(1000).keys(77).decide(other, 2, logits).experts()));
  }

  /** R0: one decision of the mean for every live row of an event, one run of logits for it. */
  @ParameterizedTest
  @EnumSource(names = {"EVENT_MEAN", "PROMPT_MEAN"})
  void oneDecisionHoldsForAllLiveRowsOfAnEvent(Source source) {
    Call call = Call.of(3, 2, 2).without(0, 3, 4);
    Assignment got = call.decide(sequence(source, 0), 1, 1, -1);
    assertArrayEquals(new int[] {-1, 0, 0, -1, -1, -1, -1}, got.experts());
    assertArrayEquals(new float[] {0, 1, 1, 0, 0, 0, 0}, got.gates());
  }

  /** R0, S2: a kept decision holds without logits, and what was decided can be kept. */
  @Test
  void keptDecisionsHoldForLaterEvents() {
    Router router = sequence(Source.PROMPT_MEAN, -5);
    Call first = Call.of(2, 2, 1);
    Assignment decided = first.decide(router, 1, -1, -6, 2);
    assertEquals(-1f, decided.kept(0));
    assertTrue(Float.isNaN(decided.kept(2)));
    Call later = Call.of(1, 1, 2, 1);
    later.kept[0] = decided.kept(0);
    later.kept[1] = decided.kept(2);
    later.kept[3] = decided.kept(4);
    Assignment got = later.decide(router, 1, 7);
    assertArrayEquals(new int[] {0, -1, 0, 0, 0}, got.experts());
    assertArrayEquals(new float[] {-1, 0, 7, 7, 2}, got.gates());
  }

  /** R0, S2: only the mean of a prompt keeps its decision. */
  @Test
  void theMeanOfAnEventIsDecidedAnew() {
    Call call = Call.of(1);
    call.kept[0] = Float.NaN;
    Assignment got = call.decide(sequence(Source.EVENT_MEAN, 0), 1, 3);
    assertArrayEquals(new int[] {0}, got.experts());
  }

  /** R4.1: every row's k best equal a full sort. */
  @Test
  void topKEqualsASort() {
    SplittableRandom random = new SplittableRandom(9);
    for (int round = 0; round < 200; round++) {
      int experts = 1 + random.nextInt(12);
      int k = 1 + random.nextInt(experts);
      Float[] logits = new Float[experts];
      Arrays.setAll(logits, i -> (float) random.nextInt(5) - 2);
      Integer[] sorted = new Integer[experts];
      Arrays.setAll(sorted, i -> i);
      Arrays.sort(sorted, (a, b) -> Float.compare(logits[b], logits[a]));
      float[] flat = new float[experts];
      for (int e = 0; e < experts; e++) {
        flat[e] = logits[e];
      }
      Router router = Call.router(Score.IDENTITY, new Selection.TopK(k), ONE);
      int[] got = Call.of(1).decide(router, experts, flat).experts();
      for (int i = 0; i < k; i++) {
        assertEquals(sorted[i], got[i], Arrays.toString(logits));
      }
    }
  }

  private static float[] deltas(Assignment got) {
    float[] deltas = new float[got.rows()];
    for (int row = 0; row < deltas.length; row++) {
      for (int i = 0; i < got.k(); i++) {
        deltas[row] += got.gate(row, i) * (got.expert(row, i) + 1);
      }
    }
    return deltas;
  }

  private static Capacity.Size share(double factor) {
    return new Capacity.Size.Share(factor, 0, Capacity.Rounding.FLOOR);
  }

  private static Router threshold(Score score, double bound, boolean strict) {
    return Call.router(score, new Selection.Threshold(bound, strict), Gate.score());
  }

  private static Router secondary(Selection.Secondary secondary) {
    return Routers.stMoe(secondary, new Capacity.Unlimited());
  }

  private static Router sequence(Source source, double bound) {
    return new Router(
        source,
        new Logits.Linear(false),
        Score.IDENTITY,
        Preference.byScore(),
        new Selection.Threshold(bound, false),
        Gate.score(),
        new Capacity.Unlimited(),
        Placement.OUTPUT);
  }
}
