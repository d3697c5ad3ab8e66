package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.Paper.values;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import anabranch.conformance.reference.Paper;
import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Attention.QueryKeyNorm.Over;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.position.Distances;
import anabranch.model.position.Rotary;
import anabranch.model.route.Routers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
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
            .withScores(Attention.Scores.usual().withDistances(new Distances(2, 9, false)));
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
      double[] key = turned(new Rotary(10, interleaved, 2, null), 1, 1, 0, 5);
      assertArrayEquals(new double[] {Math.cos(1), Math.sin(1), 5}, key, 1e-12);
    }
  }

  /** Base 100 at position 2: elements 0 and 1 turn by 2 radians, 2 and 3 by 0.2. */
  @Test
  void rotaryMayTurnNeighbours() {
    double[] key = turned(new Rotary(100, true, null, null), 2, 1, 0, 1, 0);
    assertArrayEquals(
        new double[] {Math.cos(2), Math.sin(2), Math.cos(0.2), Math.sin(0.2)}, key, 1e-12);
  }

  /** Position 6 divided by 3 is position 2. */
  @Test
  void linearScalingDividesPositions() {
    double[] key = turned(new Rotary(100, false, null, new Rotary.Linear(3)), 6, 1, 1, 0, 0);
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
    Rotary.Yarn yarn = new Rotary.Yarn(4, 628, 10, 1, 2, true);
    double[] key = turned(new Rotary(1000, false, null, yarn), 1, 1, 1, 1, 0, 0, 0);
    double half = 0.1 * (1 + 0.25) / 2;
    assertArrayEquals(
        new double[] {
          2 * Math.cos(1), 2 * Math.cos(half), 2 * Math.cos(0.0025),
          2 * Math.sin(1), 2 * Math.sin(half), 2 * Math.sin(0.0025)
        },
        key,
        1e-12);
    Rotary.Yarn exact = new Rotary.Yarn(4, 628, 10, 1, 2, false);
    double low = 3 * Math.log(628 / (20 * Math.PI)) / Math.log(1000);
    double[] sharp = turned(new Rotary(1000, false, null, exact), 1, 1, 1, 1, 0, 0, 0);
    double share = 1 - low;
    assertArrayEquals(
        new double[] {
          2 * Math.cos(1), 2 * Math.cos(0.1 * (1 - 0.75 * share)), 2 * Math.cos(0.0025)
        },
        Arrays.copyOf(sharp, 3),
        1e-12);
  }

  /**
   * Of (3, 1, 0) the first number is the short vector, content 2 * 3 and value 5 * 3; the others
   * turn by 1 radian. The norm makes the short vector 1, times its weight 4, and nothing else.
   */
  @Test
  void latentKeysHaveContentAndOnePartThatTurns() {
    Latent latent = new Latent(null, 1, 2, 1, null);
    Attention attention = Attention.causal(1, 3).withLatent(latent).withRotary(10);
    Map<String, float[]> weights =
        new HashMap<>(Map.of("kv.down", values(1, 0, 0, 0, 1, 0, 0, 0, 1)));
    weights.put("kv.up", values(2, 5));
    Shown plain = part(attention, 3, weights).show(new double[] {3, 1, 0}, 1);
    assertArrayEquals(new double[] {6, Math.cos(1), Math.sin(1)}, plain.key(), 1e-12);
    assertArrayEquals(new double[] {15}, plain.value());
    weights.put("kv.norm", values(4));
    Attention normed = attention.withLatent(new Latent(null, 1, 2, 1, new Norm.Rms(1e-30)));
    Shown shown = part(normed, 3, weights).show(new double[] {3, 1, 0}, 1);
    assertArrayEquals(new double[] {8, Math.cos(1), Math.sin(1)}, shown.key(), 1e-12);
    assertArrayEquals(new double[] {20}, shown.value(), 1e-12);
  }

  /** Two heads: contents 2 and 7, values 3 and 11 times c; both keys end alike. */
  @Test
  void latentHeadsShareWhatTurns() {
    Attention attention = Attention.causal(2, 2).withLatent(new Latent(null, 1, 1, 1, null));
    Map<String, float[]> weights = Map.of("kv.down", IDENTITY, "kv.up", values(2, 3, 7, 11));
    Shown shown = part(attention, 2, weights).show(new double[] {10, 5}, 3);
    assertArrayEquals(new double[] {20, 5, 70, 5}, shown.key());
    assertArrayEquals(new double[] {30, 110}, shown.value());
  }

  /**
   * The query (1, 1, 0) at 1 turns into (1, cos 1, sin 1): products of 1 and 0 with the turned keys
   * of (0, 1, 0) and (0, 0, 1) at 1. From a vector of its own of length 1, normed and times log 3,
   * contents 1 and 0 have products log 3 and 0.
   */
  @Test
  void latentQueriesTurnAndMayHaveAShortVectorToo() {
    float[] identity = values(1, 0, 0, 0, 1, 0, 0, 0, 1);
    Attention attention =
        Attention.causal(1, 3)
            .withScores(Attention.Scores.scaled(1))
            .withLatent(new Latent(null, 1, 2, 1, null))
            .withRotary(10);
    AttentionPart part =
        part(attention, 3, Map.of("q", identity, "kv.down", identity, "kv.up", values(1, 0)));
    List<Shown> turned =
        List.of(part.show(new double[] {0, 1, 0}, 1), part.show(new double[] {0, 0, 1}, 1));
    double e = Math.E;
    assertArrayEquals(
        new double[] {e / (e + 1), 1 / (e + 1)},
        part.read(new double[] {1, 1, 0}, 1, turned).probabilities(),
        1e-12);
    Map<String, float[]> weights = new HashMap<>();
    weights.put("q.down", values(1, 0, 0));
    weights.put("q.norm", values((float) Math.log(3)));
    weights.put("q.up", values(1, 0, 0));
    weights.put("kv.down", identity);
    weights.put("kv.norm", values(1));
    weights.put("kv.up", values(1, 0));
    AttentionPart own =
        part(attention.withLatent(new Latent(1, 1, 2, 1, new Norm.Rms(1e-30))), 3, weights);
    List<Shown> contents =
        List.of(own.show(new double[] {5, 0, 0}, 0), own.show(new double[] {0, 0, 0}, 0));
    assertArrayEquals(
        new double[] {0.75, 0.25},
        own.read(new double[] {7, 0, 0}, 0, contents).probabilities(),
        1e-7);
  }

  /**
   * Keys and values 0 and log 3; expert 0 asks with 0 and reads log 3 / 2, expert 1 asks with 1 and
   * reads 3 log 3 / 4; results times 1 and 10, gates 1/4 and 3/4, the constant 2.
   */
  @Test
  void expertsAskWithHeadsOfTheirOwn() {
    RoutedHeads routed = new RoutedHeads(2, Routers.granite(2), true);
    Map<String, float[]> weights = new HashMap<>();
    weights.put("experts.1.q", values(1));
    weights.put("experts.0.o", values(1));
    weights.put("experts.1.o", values(10));
    weights.put("k", values(1));
    weights.put("v", values(1));
    weights.put("constant", values(2));
    AttentionPart part = part(Attention.causal(1, 1).withRouted(routed), 1, weights);
    double log = Math.log(3);
    List<Shown> shown = List.of(part.show(new double[] {0}, 0), part.show(new double[] {log}, 1));
    AttentionPart.Read read =
        part.read(new double[] {1}, 1, shown, List.of(0, 1), List.of(0, 1), List.of(0.25, 0.75));
    assertArrayEquals(new double[] {0.375, 0.625}, read.probabilities(), 1e-12);
    assertArrayEquals(
        new double[] {0.25 * log / 2 + 0.75 * 10 * 3 * log / 4 + 2}, read.result(), 1e-12);
  }

  /**
   * Experts of values make 1 and 10 times the row, those of results 1 and 100 times what is read;
   * queries are 0, so that means are read.
   */
  @Test
  void expertsOfEachHeadMakeItsValueAndItsResult() {
    Attention attention =
        Attention.causal(2, 1)
            .withProjections(new Attention.RoutedProjections(2, Routers.switchHead(2)));
    Map<String, float[]> weights = new HashMap<>();
    for (String head : List.of("0", "1")) {
      weights.put("v." + head + ".experts.0", values(1));
      weights.put("v." + head + ".experts.1", values(10));
      weights.put("o." + head + ".experts.0", values(1));
      weights.put("o." + head + ".experts.1", values(100));
    }
    AttentionPart part = part(attention, 1, weights);
    SortedMap<Integer, Double> both = new TreeMap<>(Map.of(0, 0.5, 1, 0.75));
    SortedMap<Integer, Double> first = new TreeMap<>(Map.of(0, 0.5));
    Shown one = part.show(new double[] {1}, 0, List.of(both, first));
    Shown three = part.show(new double[] {3}, 1, List.of(first, both));
    assertArrayEquals(new double[] {8, 0.5}, one.value(), 1e-12);
    assertArrayEquals(new double[] {1.5, 24}, three.value(), 1e-12);
    AttentionPart.Read read =
        part.read(new double[] {3}, 1, List.of(one, three), List.of(0, 1), List.of(first, both));
    assertArrayEquals(new double[] {0.5, 0.5}, read.probabilities(), 1e-12);
    assertArrayEquals(new double[] {0.5 * 4.75 + 75.5 * 12.25}, read.result(), 1e-12);
  }

  /** Returns the key of a row, all projections being the identity. */
  private static double[] turned(Rotary rotary, int position, double... x) {
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
