package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.Paper.values;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import anabranch.backend.Event;
import anabranch.conformance.reference.Paper;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Memory;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Trail;
import anabranch.conformance.reference.pass.Way;
import anabranch.conformance.reference.route.Choice;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Chain;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Sublayer;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Single blocks computed on paper. */
class BlockPartTest {
  private static final FeedForward NETWORK = FeedForward.plain(1, Activation.RELU);
  private static final Router BY_LOGITS = Router.linear(Score.IDENTITY, new Selection.TopK(2));

  /** Logits (ln 3, 0), gates 3/4 and 1/4; at the input of max(x0, 0)^2 the gates are squared. */
  @Test
  void mixturesAddWhatTheirExpertsAnswer() {
    Map<String, float[]> weights =
        Map.of(
            "b.mixture.router.weight", values((float) Math.log(3), 0, 0, 0),
            "b.mixture.experts.0.up.weight", values(1, 0),
            "b.mixture.experts.1.up.weight", values(1, 0),
            "b.mixture.experts.1.down.weight", values(0, 1));
    for (Placement placement : Placement.values()) {
      Router router = placed(Routers.mixtral(2), placement);
      Mixture mixture = new Mixture(2, FeedForward.plain(1, Activation.RELU_SQUARED), router);
      Pass pass = pass(1, 0);
      double[] expected =
          placement == Placement.OUTPUT ? new double[] {1.75, 0.25} : new double[] {1.5625, 0.0625};
      assertArrayEquals(expected, run(Paper.block(mixture), weights, pass)[0], 1e-7);
      assertArrayEquals(new int[] {1, 1}, pass.taken.get(0).ran);
    }
  }

  /** Learners add 1, 2 and 4 to x0 in order, the constant (0, 8) is added always. */
  @Test
  void prefixesSumTheirMembersAndTheConstant() {
    Mixture mixture = new Mixture(3, NETWORK, Routers.adaptiveComputation(true), true);
    for (int n = 0; n < 4; n++) {
      float[] bias = new float[4];
      bias[n] = 1;
      Map<String, float[]> weights =
          Map.of(
              "b.mixture.router.bias", bias,
              "b.mixture.experts.1.down.weight", values(2, 0),
              "b.mixture.experts.2.down.weight", values(4, 0),
              "b.mixture.constant", values(0, 8));
      Pass pass = pass(1, 0);
      double sum = new double[] {0, 1, 3, 7}[n];
      assertArrayEquals(
          new double[] {1 + sum, 8}, run(Paper.block(mixture), weights, pass)[0], 1e-12);
      int ran = pass.taken.get(0).ran[0] + pass.taken.get(0).ran[1] + pass.taken.get(0).ran[2];
      assertEquals(n, ran, "the largest number runs all of them");
    }
  }

  /** Choice 0 is a network, then a zero, what is read, and 3/4 of that plus 1/4 of (0, 8). */
  @Test
  void specialMembersFollowTheExperts() {
    Router one =
        new Router(
            Source.HIDDEN,
            new Logits.Linear(true),
            Score.IDENTITY,
            Preference.byScore(),
            new Selection.TopK(1),
            new Gate(Gate.Of.ONE, null, 1),
            new Capacity.Unlimited(),
            Placement.OUTPUT);
    Mixture mixture = new Mixture(1, NETWORK, one, false, null, new Mixture.Specials(1, 1, 1));
    double[][] expected = {{4, 3}, {1, 3}, {2, 6}, {1.75, 5.25 + 2}};
    for (int e = 0; e < 4; e++) {
      float[] bias = new float[4];
      bias[e] = 1;
      Map<String, float[]> weights =
          Map.of(
              "b.mixture.router.bias", bias,
              "b.mixture.experts.0.up.weight", values(3, 0),
              "b.mixture.constants.0.weight", values((float) Math.log(3), 0, 0, 0),
              "b.mixture.constants.0.vector", values(0, 8));
      Pass pass = pass(1, 3);
      assertArrayEquals(expected[e], run(Paper.block(mixture), weights, pass)[0], 1e-7);
      assertEquals(1, pass.taken.get(0).ran[e]);
    }
  }

  /** No expert runs; the shared network adds x0 + x1 to x0, or 3/4 of it, behind (0, 8). */
  @Test
  void sharedNetworksRunForEveryRow() {
    Mixture none = new Mixture(1, NETWORK, Routers.adaptiveComputation(true), true);
    for (boolean weighed : new boolean[] {false, true}) {
      Map<String, float[]> weights =
          Map.of(
              "b.mixture.router.bias", values(1, 0),
              "b.mixture.constant", values(0, 8),
              "b.mixture.shared.score.weight", values((float) Math.log(3), 0));
      Pass pass = pass(1, 3);
      double[][] rows = run(Paper.block(none.withShared(NETWORK, weighed)), weights, pass);
      assertArrayEquals(new double[] {weighed ? 4 : 5, 11}, rows[0], 1e-6);
      assertEquals(0, pass.taken.get(0).ran[0]);
    }
  }

  /** x (3, 4): the network adds (7, 0), the factor makes it (3.5, 0). */
  @Test
  void sumsAreOfMultipliedResults() {
    Block block = Block.of(Paper.sublayer(NETWORK).withMultiplier(0.5));
    assertArrayEquals(new double[] {6.5, 4}, run(block, Map.of(), pass(3, 4))[0], 1e-12);
  }

  /**
   * x (3, 4), gates 3 and 1: m is (1, 1) + 3 * (3, 0) + (0, 2), and the network adds 10 * 3 + 3 * 4
   * to x0.
   */
  @Test
  void modulatedNetworksReadTheProduct() {
    Pass pass = pass(3, 4);
    Block block = Paper.block(new Mixture.Modulated(2, BY_LOGITS, NETWORK));
    assertArrayEquals(new double[] {45, 4}, run(block, maps(), pass)[0], 1e-12);
    assertArrayEquals(new int[] {1, 1}, pass.taken.get(0).ran);
  }

  /**
   * A28: values are x0, read alike: those of m * x are 2 and 30, so that row 1 gains 16; a row that
   * left shows 1, which makes it 15.5.
   */
  @Test
  void rowsThatLeftEnterAModulatedOperationAsTheyAre() {
    Block block = Paper.block(new Mixture.Modulated(2, BY_LOGITS, Attention.causal(1, 1)));
    Map<String, float[]> weights = new HashMap<>(maps());
    weights.put("b.modulated.attention.q.weight", values(0, 0));
    weights.put("b.modulated.attention.v.weight", values(1, 0));
    weights.put("b.modulated.attention.o.weight", values(1, 0));
    assertArrayEquals(new double[] {19, 0}, run(block, weights, pass(1, 0, 3, 0))[1], 1e-12);
    Pass left = pass(1, 0, 3, 0);
    left.rows.get(0).way = Way.PROJECT;
    assertArrayEquals(new double[] {18.5, 0}, run(block, weights, left)[1], 1e-12);
    assertNull(left.taken.get(0).choices[0], "it is not asked");
  }

  /**
   * A31: x (3, 4), gates 3 and 1 of slices 0 and 1 of three, so that a is 3 * 4: slice 0 is 12 * 3
   * * (3, 4), slice 1 is 12 * (-3, 8). Within slice 0 the second number is taken off the first;
   * across slices the first numbers of slice 0 and 2 change places, and slice 2's second one
   * becomes the sum of all.
   */
  @Test
  void slicesAreWeighedScaledAndFused() {
    Router two = Router.linear(Score.IDENTITY, new Selection.TopK(2));
    Mixture.Sliced sliced =
        new Mixture.Sliced(
            3,
            2,
            Activation.RELU,
            false,
            two,
            Mixture.Sliced.Scaling.SUM,
            new Mixture.Sliced.Fusion(Mixture.Sliced.Fusion.Kind.MONARCH, true));
    Map<String, float[]> weights = new HashMap<>();
    weights.put("b.sliced.router.weight", values(1, 0, 0, .25f, 0, 0));
    weights.put("b.sliced.experts.0.weight", values(1, 0, 0, 1));
    weights.put("b.sliced.experts.1.weight", values(-1, 0, 0, 2));
    weights.put("b.sliced.experts.2.weight", values(1e30f, 0, 0, 1e30f));
    weights.put("b.sliced.within.weight", values(1, -1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1));
    weights.put(
        "b.sliced.across.weight", values(0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 1));
    weights.put("b.sliced.fusion.bias", values(0, 0, 40, 0, 50, 0));
    weights.put("b.sliced.down.weight", values(1, 1, 1, 1, 1, 1, 1, 0, 10, 0, 100, 1000));
    // Slices (-36, 144), (-36, 96), 0 become (0, 144), (-36, 96), (-36, 240), then the bias.
    Pass pass = pass(3, 4);
    double[] row = run(Paper.block(sliced), weights, pass)[0];
    assertArrayEquals(new double[] {3 + 498, 4 + 241440}, row, 1e-9);
    assertArrayEquals(new int[] {1, 1, 0}, pass.taken.get(0).ran);
    double[] unscaled =
        run(Paper.block(sliced.withScaling(Mixture.Sliced.Scaling.NONE)), weights, pass(3, 4))[0];
    // (-3, 12), (-3, 8), 0 become (0, 12), (-3, 8), (-3, 20).
    assertArrayEquals(new double[] {3 + 124, 4 + 25070}, unscaled, 1e-9);
  }

  /**
   * A30: values are x0, read alike. Row 0 is kept; rows 1 and 2 are one of value 4, twice, row 3 is
   * a block of its own: all read (1 + 2 * 4 + 9) / 4. Where row 1 left, it shows 3, and rows 2 and
   * 3 are one of value 7; where row 0 left, rows 1 and 2 are still one.
   */
  @Test
  void mergedRowsCountAsManyAsTheyAreAndGainTheSame() {
    Block block = Paper.block(merged(0));
    Pass pass = pass(1, 0, 3, 1, 5, 2, 9, 0);
    double[][] expected = {{5.5, 0}, {7.5, 1}, {9.5, 2}, {13.5, 0}};
    assertRows(expected, run(block, merging(), pass));
    assertArrayEquals(new int[] {3}, pass.taken.get(0).ran);
    Pass left = pass(1, 0, 3, 0, 5, 0, 9, 0);
    left.rows.get(1).way = Way.PROJECT;
    assertRows(new double[][] {{5.5, 0}, {3, 0}, {9.5, 0}, {13.5, 0}}, run(block, merging(), left));
    assertArrayEquals(new int[] {2}, left.taken.get(0).ran);
    assertNull(left.taken.get(0).choices[1], "it is in no block");
    Pass alone = pass(1, 0, 3, 0, 5, 0, 9, 0);
    alone.rows.get(0).way = Way.PROJECT;
    assertEquals(5 + 4.5, run(block, merging(), alone)[2][0], 1e-12);
    assertArrayEquals(new int[] {2}, alone.taken.get(0).ran);
  }

  /**
   * A30: the kept row asks with 1 for keys x1 of means, 0 and ln 3: 1/4 and 3/4. Forced otherwise,
   * the first block runs row by row.
   */
  @Test
  void theBlockThatKeptRowsAttendToRunsRowByRow() {
    Block block = Paper.block(merged(1));
    Map<String, float[]> weights = new HashMap<>(merging());
    weights.put("b.merged.attention.q.weight", values(1, 0));
    weights.put("b.merged.attention.k.weight", values(0, 1));
    double ln3 = Math.log(3);
    double[] rows = {1, 0, 3, -2, 5, 2, 0, 0, 0, 2 * ln3};
    Pass pass = pass(rows);
    run(block, weights, pass);
    Taken taken = pass.taken.get(0);
    List<List<Integer>> picks = List.of(List.of(0), List.of(), List.of(), List.of(0), List.of(0));
    assertEquals(picks, Stream.of(taken.choices).map(Choice::taken).toList());
    assertArrayEquals(new int[] {4}, taken.ran);
    assertEquals(0.75, taken.choices[4].preferences().get(0), 1e-7);
    assertEquals(0.5, taken.choices[1].margin(), 1e-7);
    Pass bare = pass(rows);
    Pass forced =
        new Pass(
            bare.rows,
            new Trail(null, false),
            "0",
            0,
            (path, row) -> List.of(row.position < 3 ? 0 : -1));
    run(block, weights, forced);
    Taken other = forced.taken.get(0);
    assertEquals(List.of(0), other.choices[1].taken());
    assertEquals(List.of(), other.choices[3].taken());
    assertEquals(List.of(0), other.choices[3].own(), "it says what it would have done");
  }

  private static Chain.Merged merged(int fine) {
    Chain chain = Chain.of(Paper.sublayer(Attention.full(1, 1)));
    return new Chain.Merged(2, fine, List.of(0), chain);
  }

  private static Map<String, float[]> merging() {
    return Map.of(
        "b.merged.attention.q.weight", values(0, 0),
        "b.merged.attention.v.weight", values(1, 0),
        "b.merged.attention.o.weight", values(1, 0));
  }

  private static void assertRows(double[][] expected, double[][] rows) {
    for (int row = 0; row < expected.length; row++) {
      assertArrayEquals(expected[row], rows[row], 1e-12, "row " + row);
    }
  }

  private static Map<String, float[]> maps() {
    return Map.of(
        "b.modulated.router.weight", values(1, 0, 0, .25f),
        "b.modulated.experts.0.weight", values(1, 0, 0, 0),
        "b.modulated.experts.1.weight", values(0, 0, 0, .5f));
  }

  private static Router placed(Router router, Placement placement) {
    return new Router(
        router.source(),
        router.logits(),
        router.score(),
        router.preference(),
        router.selection(),
        router.gate(),
        router.capacity(),
        placement);
  }

  /**
   * x (3, 4). Before: mean square 12.5 + 12.5, root 5 -> (0.6, 0.8). Network: 5*1.4 = 7 -> (7, 7).
   * After: 49 + 51, root 10 -> (0.7*10, 0.7*20). Sum (10, 18): mean square 212 + 13, root 15 ->
   * (10/15*3, 18/15*5).
   */
  @Test
  void normsStandWhereTheDescriptionSays() {
    Norm before = new Norm.Rms(12.5);
    Block block = Block.of(new Sublayer("s", before, NETWORK, new Norm.Rms(51), new Norm.Rms(13)));
    Map<String, float[]> weights =
        Map.of(
            "b.s.before.weight", values(1, 1),
            "b.s.up.weight", values(5, 5),
            "b.s.down.weight", values(1, 1),
            "b.s.after.weight", values(10, 20),
            "b.s.afterSum.weight", values(3, 5));
    assertArrayEquals(new double[] {2, 6}, run(block, weights, pass(3, 4))[0], 1e-12);
  }

  /**
   * Keys are x1, queries ask with (1, 1): row 0 gives itself all; row 1, with keys 0 and ln 3,
   * gives 1/4 and 3/4. On average over the two that asked row 0 received 5/8, row 1 3/8.
   */
  @Test
  void attentionReceivedIsTheMeanOverThoseThatAsked() {
    Attention attention = Attention.causal(1, 1);
    Map<String, float[]> weights =
        Map.of(
            "b.attention.q.weight", values(1, 0),
            "b.attention.k.weight", values(0, 1));
    Pass pass = pass(1, 0, 1, Math.log(3));
    run(Paper.block(attention), weights, pass);
    assertEquals(0.625, pass.rows.get(0).received, 1e-12);
    assertEquals(0.375, pass.rows.get(1).received, 1e-12);
    pass.rows.get(0).way = Way.PROJECT;
    run(Paper.block(attention), weights, pass);
    assertEquals(0.25, pass.rows.get(0).received, 1e-12, "it is read and does not ask");
    Pass first = pass(1, 0, 1, Math.log(3));
    first.rows.get(0).way = Way.SHARE;
    run(Paper.block(attention), weights, first);
    assertEquals(0, first.rows.get(0).received, "it has nothing to show");
    assertEquals(1, first.rows.get(1).received, 1e-12);
  }

  private static double[][] run(Block block, Map<String, float[]> weights, Pass pass) {
    List<Parameter> needed = new ArrayList<>();
    block.parameters("b", 2, needed::add);
    Parameters parameters = Paper.parameters(needed, weights);
    return new BlockPart(block, "b", 0, parameters).of(pass);
  }

  /** Returns a pass of rows of two numbers each. */
  private static Pass pass(double... numbers) {
    Memory memory = new Memory(List.of());
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < numbers.length; i += 2) {
      Row row = new Row(memory, 0, Event.ofTokens(0, 0), i / 2);
      row.x = new double[] {numbers[i], numbers[i + 1]};
      rows.add(row);
    }
    return new Pass(rows, new Trail(null, false), "0", 0, (path, row) -> null);
  }
}
