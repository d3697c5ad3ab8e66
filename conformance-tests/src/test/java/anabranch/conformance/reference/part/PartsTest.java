package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.Paper.values;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.backend.Event;
import anabranch.conformance.reference.Paper;
import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Parameter;
import anabranch.model.plan.Plan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Single parts computed on paper. */
class PartsTest {
  /** x (2, 3): gate 2+1 = 3, up 3+2 = 5; gated 15 -> (15+5, 30+6), plain 5 -> (5+5, 10+6). */
  @Test
  void networksMultiplyByTheirGate() {
    Map<String, float[]> weights =
        Map.of(
            "n.gate.weight", values(1, 0),
            "n.gate.bias", values(1),
            "n.up.weight", values(0, 1),
            "n.up.bias", values(2),
            "n.down.weight", values(1, 2),
            "n.down.bias", values(5, 6));
    FeedForward gated = FeedForward.gated(1, Activation.RELU).withBias();
    FeedForward plain = FeedForward.plain(1, Activation.RELU).withBias();
    double[] x = {2, 3};
    assertArrayEquals(
        new double[] {20, 36}, new NetworkPart(gated, "n", given(gated, weights)).of(x), 1e-12);
    assertArrayEquals(
        new double[] {10, 16}, new NetworkPart(plain, "n", given(plain, weights)).of(x), 1e-12);
  }

  /** x (2, 3), limit 2: gate 3 -> 2, up 5 -> 2 and one more, or -5 -> -2 and one more. */
  /** Rule A24. */
  @Test
  void limitsClampTheGateAboveAndTheOtherOnBothSides() {
    FeedForward limited = FeedForward.gated(1, Activation.RELU).withLimit(2);
    for (int sign : new int[] {1, -1}) {
      Map<String, float[]> weights =
          Map.of(
              "n.gate.weight", values(0, 1),
              "n.up.weight", values(sign, sign),
              "n.down.weight", values(1, 10));
      double expected = sign > 0 ? 2 * 3 : 2 * -1;
      assertArrayEquals(
          new double[] {expected, 10 * expected},
          new NetworkPart(limited, "n", given(limited, weights)).of(new double[] {2, 3}),
          1e-12);
    }
    FeedForward steep = FeedForward.gated(1, Activation.QUICK_GELU).withLimit(7);
    Map<String, float[]> below =
        Map.of("n.gate.weight", values(-8, 0), "n.down.weight", values(1, 0));
    double gate = -16 / (1 + Math.exp(1.702 * 16));
    assertEquals(
        gate,
        new NetworkPart(steep, "n", given(steep, below)).of(new double[] {2, -2})[0],
        1e-18,
        "the gate is not clamped below, and up is 0");
  }

  private static Parameters given(FeedForward network, Map<String, float[]> weights) {
    List<Parameter> needed = new ArrayList<>();
    network.parameters("n", 2, needed::add);
    return Paper.parameters(needed, weights);
  }

  /** 3 -> (3*1+1, 3*2), plus the position (1, -1) -> (5, 5): 25 + 75, root 10 -> (0.5*2, 0.5*4). */
  @Test
  void embeddingsAddPositionsAndNorm() {
    Embedding embedding = new Embedding(true, null, new Norm.Rms(75));
    EmbeddingPart part =
        part(
            new Input.Features(1, 2),
            embedding,
            Map.of(
                "embedding.features.weight", values(1, 2),
                "embedding.features.bias", values(1, 0),
                "embedding.positions", values(0, 0, 1, -1),
                "embedding.norm.weight", values(2, 4)));
    assertArrayEquals(new double[] {1, 2}, part.of(Event.ofFeatures(1, 0, 3), 1, at -> 0), 1e-12);
    assertThrows(
        IllegalArgumentException.class, () -> part.of(Event.ofFeatures(1, 3).at(2), 2, at -> 0));
    assertThrows(
        IllegalArgumentException.class, () -> part.of(Event.ofFeatures(2, 3, 3), 0, at -> 0));
    assertThrows(IllegalArgumentException.class, () -> part.of(Event.ofTokens(0), 0, at -> 0));
  }

  /**
   * 3 * (1, 2, 3, 4, 5) + 1, doubled; waves of 1 + 2 at angles 3 and 3 / 10000; an odd end of 0.
   */
  /** Rule A23. */
  @Test
  void rowsAreMultipliedBeforePositionsAreAdded() {
    Embedding embedding =
        Embedding.plain().withMultiplier(2).withSinusoids(new Embedding.Sinusoids(2));
    EmbeddingPart part =
        part(
            new Input.Features(1, 2),
            embedding,
            5,
            Map.of(
                "embedding.features.weight", values(1, 2, 3, 4, 5),
                "embedding.features.bias", values(1, 1, 1, 1, 1)));
    assertArrayEquals(
        new double[] {
          8 + Math.sin(3), 14 + Math.sin(3e-4), 20 + Math.cos(3), 26 + Math.cos(3e-4), 32
        },
        part.of(Event.ofFeatures(1, 0, 3), 1, at -> 0),
        1e-12);
  }

  /**
   * Numbers (2, 5) by (1, 10; 0, 1) plus (1, 1) -> (53, 6); level 2 adds (0, 4); others level 1.
   */
  @Test
  void recordsAddARowForEachCategory() {
    Input.Records input =
        new Input.Records(
            List.of(
                new Input.Field.Numeric("a"),
                new Input.Field.Category("kind", 3, 1),
                new Input.Field.Numeric("b")),
            2);
    EmbeddingPart part =
        part(
            input,
            Embedding.plain(),
            Map.of(
                "embedding.features.weight", values(1, 10, 0, 1),
                "embedding.features.bias", values(1, 1),
                "embedding.fields.kind", values(0, 1, 0, 2, 0, 4)));
    assertArrayEquals(new double[] {53, 10}, record(part, 2), 1e-12);
    assertArrayEquals(new double[] {53, 7}, record(part, 0), 1e-12);
    for (float unknown : values(3, -1, 0.5f, Float.NaN)) {
      assertArrayEquals(new double[] {53, 8}, record(part, unknown), 1e-12, "level " + unknown);
    }
  }

  private static double[] record(EmbeddingPart part, float level) {
    return part.of(Event.ofFeatures(3, 2, level, 5), 0, at -> 0);
  }

  private static EmbeddingPart part(
      Input input, Embedding embedding, Map<String, float[]> weights) {
    return part(input, embedding, 2, weights);
  }

  private static EmbeddingPart part(
      Input input, Embedding embedding, int width, Map<String, float[]> weights) {
    ModelSpec spec =
        new ModelSpec(
            "paper",
            width,
            input,
            embedding,
            Plan.of(Paper.block(FeedForward.plain(1, Activation.RELU))),
            Paper.EACH);
    Map<String, float[]> all = new HashMap<>(weights);
    all.put("head.weight", new float[2 * width]);
    return new EmbeddingPart(
        input, embedding, "embedding", new Parameters(Paper.weights(spec, all)));
  }

  /** All projections are the identity; a query (0, 1) turned by 1 radian is (-sin 1, cos 1). */
  @Test
  void rotaryTurnsTheHalvesOfAHead() {
    AttentionPart part = attention(Attention.causal(1, 2).withRotary(10000), 2, 1, 0, 0, 1);
    Shown before = part.show(new double[] {1, 0}, 0);
    Shown own = part.show(new double[] {0, 1}, 1);
    AttentionPart.Read read = part.read(new double[] {0, 1}, 1, List.of(before, own));
    double[] expected =
        Arithmetic.softmax(new double[] {-Math.sin(1) / Math.sqrt(2), 1 / Math.sqrt(2)});
    assertArrayEquals(expected, read.result(), 1e-12);
    assertArrayEquals(expected, read.probabilities(), 1e-12);
  }

  /** Base 100 at position 2: elements 0 and 2 turn by 2 radians, 1 and 3 by 2/100^(1/2) = 0.2. */
  @Test
  void rotaryTurnsLaterElementsMoreSlowly() {
    float[] identity = values(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1);
    AttentionPart part = attention(Attention.causal(1, 4).withRotary(100), 4, identity);
    assertArrayEquals(
        new double[] {Math.cos(2), Math.cos(0.2), Math.sin(2), Math.sin(0.2)},
        part.show(new double[] {1, 1, 0, 0}, 2).key(),
        1e-12);
  }

  /**
   * Four heads of width 1 read two values (x0, x1): the first two the one, the others the other.
   */
  @Test
  void consecutiveHeadsShareKeysAndValues() {
    Attention attention = Attention.causal(4, 1).withKeyValueHeads(2);
    List<Parameter> needed = new ArrayList<>();
    attention.parameters("p", 2, needed::add);
    Map<String, float[]> weights =
        Map.of(
            "p.o.weight", values(1, 1, 0, 0, 0, 0, 1, 1),
            "p.k.weight", values(1, 0, 0, 1),
            "p.v.weight", values(1, 0, 0, 1));
    AttentionPart part = new AttentionPart(attention, "p", Paper.parameters(needed, weights));
    double[] x = {3, 5};
    AttentionPart.Read read = part.read(x, 0, List.of(part.show(x, 0)));
    assertArrayEquals(new double[] {6, 10}, read.result(), 1e-12);
  }

  /** One head looks at the first row with 3/4, the other with 1/2: the mean is 5/8. */
  @Test
  void probabilitiesAreMeansOverHeads() {
    Attention attention = Attention.causal(2, 1).withKeyValueHeads(1);
    List<Parameter> needed = new ArrayList<>();
    attention.parameters("p", 2, needed::add);
    AttentionPart part =
        new AttentionPart(
            attention,
            "p",
            Paper.parameters(
                needed,
                Map.of(
                    "p.q.weight", values(1, 0, 0, 0),
                    "p.k.weight", values(1, 0),
                    "p.o.weight", values(1, 0, 0, 1))));
    List<Shown> shown =
        List.of(part.show(new double[] {Math.log(3), 0}, 0), part.show(new double[2], 1));
    assertArrayEquals(
        new double[] {0.625, 0.375},
        part.read(new double[] {1, 0}, 1, shown).probabilities(),
        1e-12);
    assertEquals(2, shown.size());
  }

  private static AttentionPart attention(Attention attention, int width, float... matrix) {
    List<Parameter> needed = new ArrayList<>();
    attention.parameters("p", width, needed::add);
    Map<String, float[]> weights =
        Map.of(
            "p.q.weight", matrix, "p.k.weight", matrix, "p.v.weight", matrix, "p.o.weight", matrix);
    return new AttentionPart(attention, "p", Paper.parameters(needed, weights));
  }
}
