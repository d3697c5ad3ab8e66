package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.Paper.values;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import anabranch.conformance.reference.Paper;
import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Attention.QueryKeyNorm.Over;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Attention with one word more than usual, computed on paper. */
class AttentionPartTest {
  private static final float[] IDENTITY = values(1, 0, 0, 1);

  /** A query 1 on keys 0 and log 3, scaled by 2: weights 1 and 9. */
  @Test
  void scoresAreScaledAsDescribed() {
    Attention attention = Attention.causal(1, 1).withScores(Attention.Scores.scaled(2));
    AttentionPart part = part(attention, 1, Map.of("q", values(1), "k", values(1)));
    List<Shown> shown =
        List.of(part.show(new double[] {0}, 0), part.show(new double[] {Math.log(3)}, 1));
    assertArrayEquals(
        new double[] {0.1, 0.9}, part.read(new double[] {1}, 1, shown).probabilities(), 1e-12);
  }

  /** A bias of 2 on values, and none on the result: the value 3 + 2 comes out as 5. */
  @Test
  void biasesMayBeOnQueriesKeysAndValuesOnly() {
    Attention attention = Attention.causal(1, 1).withBias(Attention.Bias.QUERY_KEY_VALUE);
    AttentionPart part =
        part(attention, 1, Map.of("v", values(1), "o", values(1), "v.bias", values(2)));
    Shown shown = part.show(new double[] {3}, 0);
    assertArrayEquals(new double[] {5}, part.read(new double[] {3}, 0, List.of(shown)).result());
  }

  /** (3, 4) has a mean square of 12.5; each number alone becomes 1, times the shared weight 2. */
  @Test
  void keysAreNormedByHeadOrTogether() {
    Norm rms = new Norm.Rms(1e-30);
    Map<String, float[]> weights = new HashMap<>(Map.of("k", IDENTITY));
    weights.put("k.norm", values(2, 3));
    AttentionPart all = part(Attention.causal(2, 1).withNorm(rms, Over.ALL), 2, weights);
    double root = Math.sqrt(12.5);
    assertArrayEquals(
        new double[] {6 / root, 12 / root}, all.show(new double[] {3, 4}, 0).key(), 1e-12);
    weights.put("k.norm", values(2));
    AttentionPart each = part(Attention.causal(2, 1).withNorm(rms, Over.HEAD), 2, weights);
    assertArrayEquals(new double[] {2, -2}, each.show(new double[] {3, -4}, 0).key(), 1e-12);
  }

  /**
   * Clipped to 1, the key (1, 3) is (1, 1) before it turns by 1 radian; the value stays clipped.
   */
  @Test
  void keysAreClippedBeforeTheyTurn() {
    Attention attention = Attention.causal(1, 2).withClip(1.0).withRotary(10);
    AttentionPart part = part(attention, 2, Map.of("k", IDENTITY, "v", IDENTITY));
    Shown shown = part.show(new double[] {1, 3}, 1);
    double cos = Math.cos(1);
    double sin = Math.sin(1);
    assertArrayEquals(new double[] {cos - sin, cos + sin}, shown.key(), 1e-12);
    assertArrayEquals(new double[] {1, 1}, shown.value());
    assertArrayEquals(new double[] {-1, 0}, part.show(new double[] {-7, 0}, 0).value());
  }

  /**
   * Two keys of score 0 and a sink of log 2: each key has a quarter, the value 4 comes out as 2.
   */
  @Test
  void sinksTakeProbabilityAndGiveNothing() {
    Attention attention = Attention.causal(1, 1).withScores(Attention.Scores.usual().withSinks());
    Map<String, float[]> weights =
        Map.of("v", values(1), "o", values(1), "sinks", values((float) Math.log(2)));
    AttentionPart part = part(attention, 1, weights);
    Shown shown = part.show(new double[] {4}, 0);
    AttentionPart.Read read = part.read(new double[] {1}, 1, List.of(shown, shown));
    assertArrayEquals(new double[] {0.25, 0.25}, read.probabilities(), 1e-7);
    assertArrayEquals(new double[] {2}, read.result(), 1e-6);
  }

  /** The query at 2 on keys at 0 and 2: bucket 1, log 3 for head 1 only, and bucket 0. */
  @Test
  void distancesAreAddedForEachHead() {
    Attention attention =
        Attention.causal(2, 1)
            .withScores(
                Attention.Scores.usual().withDistances(new Attention.Distances(2, 9, false)));
    Map<String, float[]> weights = Map.of("distances", values(0, 0, 0, (float) Math.log(3)));
    AttentionPart part = part(attention, 2, weights);
    Shown shown = part.show(new double[2], 0);
    AttentionPart.Read read = part.read(new double[2], 2, List.of(shown, shown), List.of(0, 2));
    assertArrayEquals(new double[] {0.625, 0.375}, read.probabilities(), 1e-7);
  }

  /** Only elements 0 and 1 of three turn, by 1 radian, whether as halves or as neighbours. */
  @Test
  void rotaryMayTurnTheFirstElementsOnly() {
    for (boolean interleaved : new boolean[] {false, true}) {
      double[] key = turned(new Attention.Rotary(10, interleaved, 2, null), 1, 1, 0, 5);
      assertArrayEquals(new double[] {Math.cos(1), Math.sin(1), 5}, key, 1e-12);
    }
  }

  /** Base 100 at position 2: elements 0 and 1 turn by 2 radians, 2 and 3 by 0.2. */
  @Test
  void rotaryMayTurnNeighbours() {
    double[] key = turned(new Attention.Rotary(100, true, null, null), 2, 1, 0, 1, 0);
    assertArrayEquals(
        new double[] {Math.cos(2), Math.sin(2), Math.cos(0.2), Math.sin(0.2)}, key, 1e-12);
  }

  /** Position 6 divided by 3 is position 2. */
  @Test
  void linearScalingDividesPositions() {
    double[] key =
        turned(
            new Attention.Rotary(100, false, null, new Attention.Rotary.Linear(3)), 6, 1, 1, 0, 0);
    assertArrayEquals(
        new double[] {Math.cos(2), Math.cos(0.2), Math.sin(2), Math.sin(0.2)}, key, 1e-12);
  }

  /**
   * Three pairs with base 1000 turn by 1, 0.1 and 0.01. Of an original length of 2 pi * 100, one
   * turn is at border 3 ln(100)/ln(1000) = 2 and ten turns at 1, less a little as 628 is below 2 pi
   * * 100; rounded they are 0 and 2, so shares of 0, 1/2 and 1 are divided by 4.
   */
  @Test
  void yarnDividesTheSlowPairs() {
    Attention.Rotary.Yarn yarn = new Attention.Rotary.Yarn(4, 628, 10, 1, 2, true);
    double[] key = turned(new Attention.Rotary(1000, false, null, yarn), 1, 1, 1, 1, 0, 0, 0);
    double half = 0.1 * (1 + 0.25) / 2;
    assertArrayEquals(
        new double[] {
          2 * Math.cos(1), 2 * Math.cos(half), 2 * Math.cos(0.0025),
          2 * Math.sin(1), 2 * Math.sin(half), 2 * Math.sin(0.0025)
        },
        key,
        1e-12);
    Attention.Rotary.Yarn exact = new Attention.Rotary.Yarn(4, 628, 10, 1, 2, false);
    double low = 3 * Math.log(628 / (20 * Math.PI)) / Math.log(1000);
    double[] sharp = turned(new Attention.Rotary(1000, false, null, exact), 1, 1, 1, 1, 0, 0, 0);
    double share = 1 - low;
    assertArrayEquals(
        new double[] {
          2 * Math.cos(1), 2 * Math.cos(0.1 * (1 - 0.75 * share)), 2 * Math.cos(0.0025)
        },
        Arrays.copyOf(sharp, 3),
        1e-12);
  }

  /** Returns the key of a row, all projections being the identity. */
  private static double[] turned(Attention.Rotary rotary, int position, double... x) {
    float[] identity = new float[x.length * x.length];
    for (int i = 0; i < x.length; i++) {
      identity[i * x.length + i] = 1;
    }
    Attention attention = Attention.causal(1, x.length).withRotary(rotary);
    return part(attention, x.length, Map.of("k", identity)).show(x, position).key();
  }

  /**
   * Returns a part.
   *
   * @param given weights, {@code k} for {@code p.k.weight} and {@code k.norm} for {@code
   *     p.k.norm.weight}; others are zeros
   */
  private static AttentionPart part(Attention attention, int width, Map<String, float[]> given) {
    List<Parameter> needed = new ArrayList<>();
    attention.parameters("p", width, needed::add);
    Map<String, float[]> weights = new HashMap<>();
    for (Parameter parameter : needed) {
      weights.put(parameter.name(), new float[(int) parameter.elements()]);
    }
    given.forEach((name, numbers) -> weights.replace("p." + name, numbers));
    given.forEach((name, numbers) -> weights.replace("p." + name + ".weight", numbers));
    return new AttentionPart(attention, "p", Paper.parameters(needed, weights));
  }
}
