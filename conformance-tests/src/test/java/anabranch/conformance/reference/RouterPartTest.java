package anabranch.conformance.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.conformance.reference.Verdict.Choice;
import anabranch.model.Exit.Criterion.Score;
import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Decisions computed by hand. The logits tie experts 1 and 4. */
class RouterPartTest {
  private static final double[] Z = {2, 1, 0.5, -1, 1, -0.5, 0, 0.25};
  private static final double[] CORRECTION = {0, -0.4, 0.1, 0.5, 0, 0.3, 0.05, -0.1};

  @Test
  void switchTakesTheBestOfTheSoftmax() {
    expect(Routers.switchTop1(), null, List.of(0), 0.416689179);
  }

  @Test
  void mixtralNormalisesAndTiesGoToTheLowerIndex() {
    expect(Routers.mixtral(2), null, List.of(0, 1), 0.731058579, 0.268941421);
  }

  @Test
  void gptOssIsTheSoftmaxOfTheSelected() {
    expect(Routers.gptOss(2), null, List.of(0, 1), 0.731058579, 0.268941421);
  }

  @Test
  void olmoeLeavesTheSoftmaxAsItIs() {
    expect(Routers.olmoe(2), null, List.of(0, 1), 0.416689179, 0.153291382);
  }

  /** Expert 0 has the best score, but its group is not among the best two. */
  @Test
  void deepseekV3KeepsTheBestGroups() {
    expect(
        Routers.deepseekV3(3, new Preference.Groups(4, 2, 2, false), 2.5),
        CORRECTION,
        List.of(3, 4, 2),
        0.414403949,
        1.126466723,
        0.959129328);
  }

  /** The correction breaks the tie of experts 1 and 4, and reaches no weight. */
  @Test
  void ernieRanksWithACorrection() {
    Router router = softmaxWithCorrection(3, new Gate(Gate.Of.SCORE, new Gate.Normalise(0), 1));
    expect(router, tenth(), List.of(0, 4, 1), 0.576116885, 0.211941558, 0.211941558);
  }

  @Test
  void longcatScalesWithoutNormalising() {
    Router router = softmaxWithCorrection(3, new Gate(Gate.Of.SCORE, null, 6));
    expect(router, tenth(), List.of(0, 4, 1), 2.500135074, 0.919748294, 0.919748294);
  }

  @Test
  void llama4WeighsBySigmoid() {
    expect(sigmoidOfSelected(1, Placement.INPUT), null, List.of(0), 0.880797078);
  }

  @Test
  void switchHeadWeighsBySigmoidWithoutNorm() {
    expect(sigmoidOfSelected(2, Placement.OUTPUT), null, List.of(0, 1), 0.880797078, 0.731058579);
  }

  /**
   * Scores are 0.5 each. Preferences 0.7, -0.4 | 0.6, 0.55: group 0 wins by its best. Masked to
   * zero, an expert of the lost group beats the negative member of the kept one; 2 and 3 tie.
   */
  @Test
  void groupsMaskedToZeroLetOthersIn() {
    double[] z = new double[4];
    double[] correction = {0.2, -0.9, 0.1, 0.05};
    for (boolean toZero : new boolean[] {false, true}) {
      Router router = Routers.deepseekV3(2, new Preference.Groups(2, 1, 1, toZero), 1);
      Choice choice = new RouterPart(router, 4, new double[0][], null, correction).choose(z, null);
      assertEquals(toZero ? List.of(0, 2) : List.of(0, 1), choice.experts());
      assertEquals(0.5, choice.gates().get(0), 1e-12);
      assertEquals(toZero ? 0 : 0.1, choice.margin(), 1e-12, "margin");
    }
  }

  @Test
  void marginIsTheGapBehindTheLastSelected() {
    assertEquals(1, choice(Routers.gptOss(1), null).margin(), 1e-15);
    assertEquals(0, choice(Routers.gptOss(2), null).margin(), 1e-15);
    assertEquals(Double.POSITIVE_INFINITY, choice(Routers.gptOss(8), null).margin());
  }

  @Test
  void forcedExpertsAreWeighedLikeOwnOnes() {
    RouterPart router = new RouterPart(Routers.mixtral(2), 8, new double[0][], null, null);
    Choice choice = router.choose(Z, List.of(4, 6));
    assertEquals(List.of(4, 6), choice.experts());
    assertEquals(List.of(0, 1), choice.own());
    assertEquals(0.731058579, choice.gates().get(0), 1e-9);
    assertEquals(0.268941421, choice.gates().get(1), 1e-9);
  }

  @Test
  void aRowThatIsNotANumberIsAnError() {
    RouterPart router = new RouterPart(Routers.mixtral(2), 2, new double[0][], null, null);
    assertThrows(
        ArithmeticException.class, () -> router.choose(new double[] {1, Double.NaN}, null));
  }

  @Test
  void hashWordsAreThoseOfTheSpecification() {
    assertEquals(0x5692161d100b05e5L, RouterPart.mix(1));
    assertEquals(0xe220a8397b1dcdafL, RouterPart.mix(0x9E3779B97F4A7C15L));
    assertEquals(0xa706dd2f4d197e6fL, RouterPart.fold(0, 0));
    assertEquals(0x0d3961f6e2135428L, hash(42, 1, 2, 3));
    assertEquals(0xcf14468421ffe4e2L, hash(42, 3, 2, 1));
    assertEquals(0, RouterPart.below(hash(42, 1, 2, 3), 8));
    assertEquals(4, RouterPart.below(hash(42, 1, 2, 4), 8));
  }

  /** The first word of seed 0 is a706dd2f: 0xa706dd2f * 8 / 2^32 = 5. */
  @Test
  void hashRoutersSendTheTokenToItsBucket() {
    RouterPart router = new RouterPart(Routers.hash(0), 8, new double[0][], null, null);
    Choice choice = router.choose(new double[0], 0, null);
    assertEquals(List.of(5), choice.experts());
    assertEquals(List.of(1.0), choice.gates());
  }

  @Test
  void exitScoresAreThoseOfTheSpecification() {
    double[] z = {3, 1, 0.2, -1};
    assertEquals(0.823410560, HeadPart.score(Score.CONFIDENCE, z), 1e-9);
    assertEquals(0.711974059, HeadPart.score(Score.MARGIN, z), 1e-9);
    assertEquals(0.711974059, HeadPart.score(Score.MARGIN, new double[] {-1, 0.2, 1, 3}), 1e-9);
    assertEquals(0.617699123, HeadPart.score(Score.ENTROPY, z), 1e-9);
    assertEquals(0, HeadPart.score(Score.ENTROPY, new double[] {0, 5000}), "0 * log 0 is 0");
    assertEquals(0, HeadPart.score(Score.MARGIN, new double[] {7, 1, 7}), 1e-12);
    assertEquals(Double.NaN, HeadPart.score(Score.MARGIN, new double[] {7, Double.NaN}));
  }

  private static Choice choice(Router router, double @Nullable [] correction) {
    return new RouterPart(router, 8, new double[0][], null, correction).choose(Z, null);
  }

  private static void expect(
      Router router, double @Nullable [] correction, List<Integer> experts, double... gates) {
    Choice choice = choice(router, correction);
    assertEquals(experts, choice.experts());
    for (int i = 0; i < gates.length; i++) {
      assertEquals(gates[i], choice.gates().get(i), 1e-9, "gate of expert " + experts.get(i));
    }
  }

  private static double[] tenth() {
    return Arithmetic.times(0.1, CORRECTION);
  }

  private static long hash(long seed, long... words) {
    long hash = seed;
    for (long word : words) {
      hash = RouterPart.fold(hash, word);
    }
    return hash;
  }

  private static Router softmaxWithCorrection(int k, Gate gate) {
    return router(
        anabranch.model.route.Score.SOFTMAX, new Preference(true, null), k, gate, Placement.OUTPUT);
  }

  private static Router sigmoidOfSelected(int k, Placement placement) {
    Gate gate = new Gate(Gate.Of.SIGMOID_OF_SELECTED, null, 1);
    return router(anabranch.model.route.Score.IDENTITY, Preference.byScore(), k, gate, placement);
  }

  private static Router router(
      anabranch.model.route.Score score,
      Preference preference,
      int k,
      Gate gate,
      Placement placement) {
    return new Router(
        Source.HIDDEN,
        new Logits.Linear(false),
        score,
        preference,
        new Selection.TopK(k),
        gate,
        new Capacity.Unlimited(),
        placement);
  }
}
