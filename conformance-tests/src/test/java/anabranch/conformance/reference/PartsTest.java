package anabranch.conformance.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import anabranch.backend.Event;
import anabranch.model.Activation;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Norm;
import anabranch.model.Parameter;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.util.ArrayList;
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

  private static Parameters given(FeedForward network, Map<String, float[]> weights) {
    List<Parameter> needed = new ArrayList<>();
    network.parameters("n", 2, needed::add);
    return parameters(needed, weights);
  }

  /** Logits (ln 3, 0), gates 3/4 and 1/4; at the input of max(x0, 0)^2 the gates are squared. */
  @Test
  void mixturesAddWhatTheirExpertsAnswer() {
    Map<String, float[]> weights =
        Map.of(
            "m.router.weight", values((float) Math.log(3), 0, 0, 0),
            "m.experts.0.up.weight", values(1, 0),
            "m.experts.1.up.weight", values(1, 0),
            "m.experts.0.down.weight", values(1, 0),
            "m.experts.1.down.weight", values(0, 1));
    for (Placement placement : Placement.values()) {
      Router router = placed(Routers.mixtral(2), placement);
      Mixture mixture = new Mixture(2, FeedForward.plain(1, Activation.RELU_SQUARED), router);
      List<Parameter> needed = new ArrayList<>();
      mixture.parameters("m", 2, needed::add);
      MixturePart part = new MixturePart(mixture, "m", parameters(needed, weights));
      double[] x = {1, 0};
      double[] expected =
          placement == Placement.OUTPUT ? new double[] {0.75, 0.25} : new double[] {0.5625, 0.0625};
      assertArrayEquals(expected, part.combine(x, part.router.choose(x, 0, null)), 1e-7);
    }
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
   *
   * <p>The embedding: 3 -> (3*1+1, 3*2), plus the position (1, -1) -> (5, 5): 25 + 75, root 10 ->
   * (0.5*2, 0.5*4). The head reads (0.6, 0.8) of (3, 4) -> (5*0.6+1, 5*0.8+2).
   */
  @Test
  void normsStandWhereTheDescriptionSays() {
    FeedForward network = FeedForward.plain(1, Activation.RELU);
    Norm before = new Norm.Rms(12.5);
    Block block = Block.of(new Sublayer("s", before, network, new Norm.Rms(51), new Norm.Rms(13)));
    ModelSpec spec =
        new ModelSpec(
            "paper",
            2,
            new Input.Features(1, 2),
            new Embedding(true, null, new Norm.Rms(75)),
            new Plan(List.of(block)),
            new Head(Head.Pool.EACH, before, 2, true));
    Parameters parameters =
        parameters(
            spec.parameters(),
            Map.ofEntries(
                Map.entry("embedding.features.weight", values(1, 2)),
                Map.entry("embedding.features.bias", values(1, 0)),
                Map.entry("embedding.positions", values(0, 0, 1, -1)),
                Map.entry("embedding.norm.weight", values(2, 4)),
                Map.entry("blocks.0.s.before.weight", values(1, 1)),
                Map.entry("blocks.0.s.up.weight", values(5, 5)),
                Map.entry("blocks.0.s.down.weight", values(1, 1)),
                Map.entry("blocks.0.s.after.weight", values(10, 20)),
                Map.entry("blocks.0.s.afterSum.weight", values(3, 5)),
                Map.entry("head.norm.weight", values(1, 1)),
                Map.entry("head.weight", values(5, 0, 0, 5)),
                Map.entry("head.bias", values(1, 2))));
    double[] x = {3, 4};

    SublayerPart sublayer = SublayerPart.of(block, 0, parameters).get(0);
    assertArrayEquals(
        new double[] {2, 6}, sublayer.behind(x, sublayer.network(sublayer.input(x))), 1e-12);

    EmbeddingPart embedding = new EmbeddingPart(spec, parameters);
    assertArrayEquals(
        new double[] {1, 2}, embedding.of(Event.ofFeatures(1, 0, 3), 1, at -> 0), 1e-12);

    HeadPart head = new HeadPart(spec.head(), "head", parameters);
    assertArrayEquals(new double[] {4, 6}, head.logits(x), 1e-12);
  }

  private static float[] values(float... values) {
    return values;
  }

  private static Parameters parameters(List<Parameter> needed, Map<String, float[]> values) {
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : needed) {
      float[] numbers = values.get(parameter.name());
      if (numbers == null) {
        throw new AssertionError(parameter + " has no numbers");
      }
      tensors.add(MemoryWeights.tensor(parameter.name(), parameter.shape(), numbers));
    }
    return new Parameters(MemoryWeights.of(tensors));
  }
}
