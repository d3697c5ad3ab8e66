package anabranch.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.Numerics;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.weights.Weights;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExpertsTest {
  private final OnnxBackend backend = new OnnxBackend();

  @Test
  void fusedExpertsAnswerAsSingleOnesInEveryNumberType() {
    for (FeedForward expert :
        List.of(
            FeedForward.plain(24, Activation.RELU),
            FeedForward.plain(24, Activation.SILU),
            FeedForward.plain(24, Activation.GELU_TANH),
            FeedForward.gated(24, Activation.SILU))) {
      ModelSpec spec = spec(expert);
      for (Precision precision : List.of(Precision.FP32, Precision.FP16, Precision.BF16)) {
        float[] single = logits(spec, precision, Experts.SINGLE, List.of());
        float[] fused = logits(spec, precision, Experts.FUSED, List.of());
        double near = precision.tolerance() * 4;
        for (int i = 0; i < single.length; i++) {
          assertEquals(single[i], fused[i], near * (1 + Math.abs(single[i])), expert + " " + i);
        }
      }
    }
  }

  @Test
  void expertsThatNoOperatorComputesRunOneByOneAndTheModelSaysSo() {
    List<String> said =
        List.of("the experts of blocks.0.mixture run one by one: no fused operator computes them");
    logits(spec(FeedForward.plain(24, Activation.TANH)), Precision.FP32, Experts.FUSED, said);
    logits(spec(FeedForward.gated(24, Activation.RELU)), Precision.FP32, Experts.FUSED, said);
    logits(spec(FeedForward.plain(24, Activation.RELU)), Precision.INT8, Experts.FUSED, said);
  }

  @Test
  void fusedExpertsPromiseTheBitsOfTheSameBatchAlone() {
    ModelSpec spec = spec(FeedForward.plain(24, Activation.RELU));
    try (Weights weights = Weights.random(spec, 1);
        var model = backend.load(spec, weights, options(Precision.FP32, Experts.FUSED))) {
      assertEquals(Numerics.Kind.BITWISE_REPEATABLE, model.numerics().kind());
    }
  }

  @Test
  void anUnknownWayIsRefusedWithThoseThatExist() {
    String refused =
        backend
            .check(
                spec(FeedForward.plain(24, Activation.RELU)),
                LoadOptions.defaults().with("onnx.experts", "all"))
            .toString();
    assertTrue(refused.contains("\"all\" is not one of [single, fused]"), refused);
  }

  private float[] logits(ModelSpec spec, Precision precision, Experts experts, List<String> notes) {
    try (Weights weights = Weights.random(spec, 1);
        Engine engine =
            Engine.open(
                backend.load(spec, weights, options(precision, experts)), Policy.fullDepth())) {
      assertEquals(notes, engine.numerics().notes());
      Inference answer =
          engine.infer(Item.of("rows", Event.ofTokens(new int[] {0, 1, 2, 3, 4, 5, 6})));
      float[] all = new float[answer.units() * answer.outputs()];
      for (int unit = 0; unit < answer.units(); unit++) {
        answer.logits(unit).get(all, unit * answer.outputs(), answer.outputs());
      }
      return all;
    }
  }

  private static LoadOptions options(Precision precision, Experts experts) {
    return OnnxOptions.defaults()
        .withPrecision(precision)
        .withExperts(experts)
        .into(LoadOptions.defaults());
  }

  private static ModelSpec spec(FeedForward expert) {
    Mixture mixture = new Mixture(4, expert, Routers.mixtral(2));
    return new ModelSpec(
        "experts",
        16,
        new Input.Tokens(8, 8),
        Embedding.plain(),
        Plan.of(Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), mixture))),
        new Head(Head.Pool.EACH, null, 3, false));
  }
}
