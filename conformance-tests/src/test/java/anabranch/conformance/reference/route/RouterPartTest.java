package anabranch.conformance.reference.route;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.conformance.reference.Paper;
import anabranch.error.WeightsException;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Parameter;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Decisions of single rows computed by hand. The logits tie experts 1 and 4. */
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
    expect(Routers.ernie45(3), tenth(), List.of(0, 4, 1), 0.576116885, 0.211941558, 0.211941558);
  }

  @Test
  void longcatScalesWithoutNormalising() {
    expect(Routers.longcat(3, 6), tenth(), List.of(0, 4, 1), 2.500135074, 0.919748294, 0.919748294);
  }

  @Test
  void llama4WeighsBySigmoid() {
    expect(Routers.llama4(1), null, List.of(0), 0.880797078);
  }

  @Test
  void graniteAndJetMoeAreGptOssWithoutBias() {
    expect(Routers.granite(2), null, List.of(0, 1), 0.731058579, 0.268941421);
  }

  /** Within 0.02 of 2 is nothing; 1, once 2 is gone, has its equal. Within 0.6: 2, 1, 1. */
  @Test
  void sparseMixerWeighsAgainstWhatIsNear() {
    expect(Routers.sparseMixer(0.01), null, List.of(0, 1), 1.0, 0.5);
    expect(Routers.sparseMixer(0.3), null, List.of(0, 1), 0.576116885, 0.383651731);
    Choice choice = choice(Routers.sparseMixer(0.1), null, null, new double[] {2, 1.9, 0.5});
    assertEquals(0.524979187, choice.gates().get(0), 1e-9);
    assertEquals(1, choice.gates().get(1));
    Choice below = choice(Routers.sparseMixer(0.2), null, null, new double[] {-1, -1.1, -3});
    assertEquals(0.524979187, below.gates().get(0), 1e-9, "0.1 of 1.1 is near, 2 of 3 is not");
    Choice forced = choice(Routers.sparseMixer(0.3), null, List.of(4, 1), Z);
    assertEquals(0.383651731 / (1 + 0.383651731 * Math.E), forced.gates().get(0), 1e-9);
    Choice zero = choice(Routers.sparseMixer(0.1), null, null, new double[] {0, 0, -1});
    assertEquals(List.of(0.5, 1.0), zero.gates());
  }

  /** Groups 0 and 2 hold the best two members; the tie of 1 and 4 goes to the lower index. */
  @Test
  void deepseekV2RanksGroupsByTheirBest() {
    expect(
        Routers.deepseekV2(3, 4, 2, 2),
        null,
        List.of(0, 1, 4),
        0.833378358,
        0.306582764,
        0.306582764);
  }

  @Test
  void glm4NormalisesCorrectedSigmoids() {
    double[] scores = {1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(1))};
    double sum = scores[0] + scores[1];
    expect(
        Routers.glm4Moe(2, 1.5),
        CORRECTION,
        List.of(0, 3),
        1.5 * scores[0] / sum,
        1.5 * scores[1] / sum);
  }

  /** Both rows want expert 0, which has room for one. */
  @Test
  void nllbDividesBeforeOrAfterTheDrop() {
    Capacity one = Asked.capacity(new Capacity.Size.Fixed(1), Capacity.Priority.RANK_THEN_POSITION);
    double[][] z = {{2, 1, -3}, {2, -3, 1}};
    for (boolean late : new boolean[] {true, false}) {
      List<Choice> choices = Asked.decide(Routers.nllb(late, 0.8, one), 3, z);
      assertEquals(List.of(-2, 2), choices.get(1).taken());
      assertEquals(late ? 0.8 : 0.8 * 0.268941421, choices.get(1).gate(2), 1e-9);
    }
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
    double[] correction = {0.2, -0.9, 0.1, 0.05};
    for (boolean toZero : new boolean[] {false, true}) {
      Router router = Routers.deepseekV3(2, new Preference.Groups(2, 1, 1, toZero), 1);
      Choice choice = choice(router, correction, null, new double[4]);
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
    Choice choice = choice(Routers.mixtral(2), null, List.of(4, 6), Z);
    assertEquals(List.of(4, 6), choice.experts());
    assertEquals(List.of(0, 1), choice.own());
    assertEquals(0.731058579, choice.gates().get(0), 1e-9);
    assertEquals(0.268941421, choice.gates().get(1), 1e-9);
  }

  @Test
  void aRowThatIsNotANumberIsAnError() {
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThrows(ArithmeticException.class, () -> Asked.one(Routers.mixtral(2), 1, bad));
    }
  }

  /** Zeros of both signs tie. */
  @Test
  void minusZeroTiesWithZero() {
    assertEquals(List.of(0), Asked.one(Routers.gptOss(1), -0.0, 0.0).own());
  }

  @Test
  void hashWordsAreThoseOfTheSpecification() {
    assertEquals(0x5692161d100b05e5L, Hashes.mix(1));
    assertEquals(0xe220a8397b1dcdafL, Hashes.mix(0x9E3779B97F4A7C15L));
    assertEquals(0xa706dd2f4d197e6fL, Hashes.hash(0, 0));
    assertEquals(0x0d3961f6e2135428L, Hashes.hash(42, 1, 2, 3));
    assertEquals(0xcf14468421ffe4e2L, Hashes.hash(42, 3, 2, 1));
    assertEquals(0, Hashes.below(Hashes.hash(42, 1, 2, 3), 8));
    assertEquals(4, Hashes.below(Hashes.hash(42, 1, 2, 4), 8));
    assertEquals(0, Hashes.unit(0));
    assertEquals(0.5, Hashes.unit(1L << 63));
    assertTrue(Hashes.unit(-1) < 1);
  }

  /** The published count of audits among a million requests, which uses the same hash and coin. */
  @Test
  void coinsFallAsInTheSpecification() {
    int heads = 0;
    for (int i = 0; i < 1_000_000; i++) {
      long key = Event.ofTokens(0).keyed("req-" + i).key();
      heads += Hashes.unit(Hashes.hash(7, key)) < 0.01 ? 1 : 0;
    }
    assertEquals(10_035, heads);
  }

  /** The first word of seed 0 is a706dd2f: 0xa706dd2f * 8 / 2^32 = 5. */
  @Test
  void hashRoutersSendTheTokenToItsBucket() {
    Choice choice = asked(Routers.hash(0), Event.ofTokens(0), 0, 0);
    assertEquals(List.of(5), choice.experts());
    assertEquals(List.of(1.0), choice.gates());
    assertEquals(Double.POSITIVE_INFINITY, choice.margin());
  }

  /** hash(42, 1, 2, 3) goes to 0, hash(42, 1, 2, 4) to 4: block 1, key 2, positions 3 and 4. */
  @Test
  void randomRoutersHashBlockKeyAndPosition() {
    Event event = Event.ofTokens(0, 0, 0, 0, 0).keyed(2);
    assertEquals(List.of(0), asked(Routers.thor(42), event, 3, 1).experts());
    assertEquals(List.of(4), asked(Routers.thor(42), event, 4, 1).experts());
    int ofItem = Hashes.below(Hashes.hash(42, 1, 2), 8);
    for (int position = 3; position < 5; position++) {
      Choice choice = asked(Routers.thorOfSequence(42), event, position, 1);
      assertEquals(List.of(ofItem), choice.experts());
      assertEquals(Double.POSITIVE_INFINITY, choice.margin());
    }
  }

  @Test
  void tablesAreFollowedAndChecked() {
    Router router = Routers.hashTable(3);
    List<Parameter> needed = List.of(Parameter.vector("r.table", 3));
    RouterPart part =
        RouterPart.read(
            router, 4, "r", Paper.parameters(needed, Map.of("r.table", Paper.values(3, 0, 2))));
    Event event = Event.ofTokens(0, 1, 2);
    for (int id = 0; id < 3; id++) {
      Asking row = new Asking(0, event, id, new double[0], Map.of(), null);
      assertEquals(List.of(new int[] {3, 0, 2}[id]), part.decide(List.of(row), 0).get(0).own());
    }
    for (float bad : Paper.values(4, -1, 0.5f, Float.NaN)) {
      WeightsException refused =
          assertThrows(
              WeightsException.class,
              () ->
                  RouterPart.read(
                      router,
                      4,
                      "r",
                      Paper.parameters(needed, Map.of("r.table", Paper.values(0, bad, 0)))));
      assertTrue(refused.getMessage().contains("r.table[1] " + (double) bad), refused.getMessage());
    }
  }

  /** Rows (1, 0), (0, 1) of one event and (5, 5) of another: the means are (.5, .5) and (5, 5). */
  @Test
  void meansAreOverTheRowsOfASpan() {
    Router router =
        new Router(
            Source.EVENT_MEAN,
            new Logits.Linear(true),
            Score.IDENTITY,
            Preference.byScore(),
            new Selection.TopK(1),
            Gate.score(),
            new Capacity.Unlimited(),
            Placement.OUTPUT);
    RouterPart part =
        new RouterPart(router, 2, new double[][] {{1, 3}, {1, 1}}, new double[] {0, 4}, null);
    Event event = Event.ofTokens(0, 0);
    List<Choice> choices =
        part.decide(
            List.of(
                new Asking(0, event, 0, new double[] {1, 0}, Map.of(), null),
                new Asking(0, event, 1, new double[] {0, 1}, Map.of(), null),
                new Asking(1, event, 0, new double[] {5, 5}, Map.of(), null)),
            0);
    assertEquals(List.of(1), choices.get(0).own());
    assertEquals(List.of(5.0), choices.get(1).gates());
    assertEquals(List.of(0), choices.get(2).own());
    assertEquals(List.of(20.0), choices.get(2).gates());
    assertArrayEquals(
        new double[] {3, 3, 6}, choices.stream().mapToDouble(Choice::margin).toArray());
  }

  /** R1: of (3, 1) the hidden layer is (relu(2), relu(-2 + 1)), so that z is (4, 2 - 3). */
  @Test
  void logitsMayReadAHiddenLayer() {
    Router router =
        Routers.olmoe(2).with(Source.HIDDEN, new Logits.Network(2, Activation.RELU, true));
    List<Parameter> needed =
        List.of(
            Parameter.matrix("r.hidden.weight", 2, 2),
            Parameter.vector("r.hidden.bias", 2),
            Parameter.matrix("r.weight", 2, 2),
            Parameter.vector("r.bias", 2));
    Map<String, float[]> given =
        Map.of(
            "r.hidden.weight", Paper.values(1, -1, -1, 1),
            "r.hidden.bias", Paper.values(0, 1),
            "r.weight", Paper.values(2, 9, 1, 9),
            "r.bias", Paper.values(0, -3));
    RouterPart part = RouterPart.read(router, 2, "r", Paper.parameters(needed, given));
    Asking row = new Asking(0, Event.ofTokens(0), 0, new double[] {3, 1}, Map.of(), null);
    Choice choice = part.decide(List.of(row), 0).get(0);
    assertEquals(List.of(0, 1), choice.own());
    assertEquals(1 / (1 + Math.exp(-5)), choice.gates().get(0), 1e-12);
  }

  /** R13: of -1 and 0.25 the positive parts, 0 and 0.25, join 0.5; the rests are 0.5 and 0.25. */
  @Test
  void sumsAreCarriedAndRecalled() {
    Event event = Event.ofTokens(0, 0);
    List<Map<String, double[]>> carried =
        List.of(
            new HashMap<>(Map.of("a", new double[] {0.5})),
            new HashMap<>(Map.of("a", new double[] {0.5})));
    List<Asking> rows =
        List.of(
            new Asking(0, event, 0, new double[] {-1}, carried.get(0), null),
            new Asking(0, event, 1, new double[] {0.25}, carried.get(1), null));
    double[][] weight = {{1}};
    RouterPart sum =
        new RouterPart(Routers.skipMiddle("b", "a"), 1, weight, new double[] {0}, null);
    List<Choice> choices = sum.decide(rows, 0);
    assertEquals(List.of(0.5), choices.get(0).gates());
    assertEquals(List.of(0.25), choices.get(1).gates());
    RouterPart again = new RouterPart(Routers.skipMiddleAgain("b"), 1, new double[0][], null, null);
    assertEquals(List.of(0.25), again.decide(rows, 0).get(1).gates());
    carried.get(1).put("b", new double[] {1});
    assertEquals(List.of(), again.decide(rows, 0).get(1).taken());
    assertEquals(0.5, carried.get(1).get("a")[0]);
  }

  /** R3: what is always picked comes first, in order, and is no near decision. */
  @Test
  void membersThatAreAlwaysPickedComeFirst() {
    double[] z = {Math.log(2), 0, Math.log(3), Math.log(4)};
    Choice choice = choice(Routers.mohd(2, 1), null, null, z);
    assertEquals(List.of(0, 1, 3), choice.experts());
    assertEquals(0.2, choice.gates().get(0), 1e-9);
    assertEquals(0.1, choice.gates().get(1), 1e-9);
    assertEquals(0.4, choice.gates().get(2), 1e-9);
    assertEquals(0.1, choice.margin(), 1e-9);
    Choice all = choice(Routers.mohd(2, 0), null, null, z);
    assertEquals(List.of(0, 1), all.experts());
    assertEquals(Double.POSITIVE_INFINITY, all.margin());
  }

  private static Choice asked(Router router, Event event, int position, int block) {
    Asking row = new Asking(0, event, position, new double[0], Map.of(), null);
    return Asked.part(router, 8).decide(List.of(row), block).get(0);
  }

  private static Choice choice(Router router, double @Nullable [] correction) {
    return choice(router, correction, null, Z);
  }

  private static Choice choice(
      Router router, double @Nullable [] correction, @Nullable List<Integer> forced, double[] z) {
    Asking row = new Asking(0, Event.ofTokens(0), 0, new double[0], Map.of(), forced);
    return new RouterPart(router, z.length, new double[0][], null, correction)
        .decide(List.of(row), List.of(z), 0)
        .get(0);
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
    double[] tenth = CORRECTION.clone();
    for (int i = 0; i < tenth.length; i++) {
      tenth[i] *= 0.1;
    }
    return tenth;
  }

  private static Router softmaxWithCorrection(int k, Gate gate) {
    return router(Score.SOFTMAX, new Preference(true, null), k, gate, Placement.OUTPUT);
  }

  private static Router sigmoidOfSelected(int k, Placement placement) {
    Gate gate = new Gate(Gate.Of.SIGMOID_OF_SELECTED, null, 1);
    return router(Score.IDENTITY, Preference.byScore(), k, gate, placement);
  }

  private static Router router(
      Score score, Preference preference, int k, Gate gate, Placement placement) {
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
