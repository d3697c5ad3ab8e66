package anabranch.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.Numerics;
import anabranch.conformance.space.ModelSpace;
import anabranch.conformance.space.Plans;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.onnx.format.Products;
import anabranch.onnx.graph.Kernels;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.weights.Weights;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ExpertsTest {
  private static final int MOST = 200;

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

  /** The graphs are those for CUDA, run by a CPU. */
  @Test
  void onCudaExpertsAreFusedWhereTheirSizesSuitItsOperator() {
    OnnxBackend cuda = new OnnxBackend(Kernels.CUDA);
    FeedForward odd = FeedForward.plain(20, Activation.RELU);
    FeedForward even = FeedForward.plain(24, Activation.RELU);
    String why =
        "the experts of blocks.0.mixture run one by one:"
            + " on CUDA its operator takes multiples of 8 in fp16, not widths of 16 and 20";
    assertEquals(List.of(why), notes(cuda, odd, Precision.FP16));
    assertEquals(List.of(), notes(cuda, even, Precision.FP16));
    assertEquals(List.of(), notes(cuda, odd, Precision.FP32));
    assertEquals(List.of(), notes(backend, odd, Precision.FP16));
    assertNull(Kernels.CUDA.refusal(4, 12, Products.FP32));
    assertNotNull(Kernels.CUDA.refusal(4, 10, Products.FP32));
    assertNotNull(Kernels.CUDA.refusal(12, 16, Products.BF16));
  }

  @Test
  void theKitHasExpertsThatCudaFusesAndOthers() {
    int fused = 0;
    int others = 0;
    for (int seed = 0; seed < 100; seed++) {
      ModelSpec spec = ModelSpace.draw(seed).spec();
      for (Block block : spec.plan().blocks()) {
        for (Sublayer sublayer : block.sublayers()) {
          if (sublayer.operation() instanceof Mixture mixture) {
            int inner = mixture.expert().inner();
            boolean fits = Kernels.CUDA.refusal(spec.width(), inner, Products.FP32) == null;
            fused += fits ? 1 : 0;
            others += fits ? 0 : 1;
          }
        }
      }
    }
    assertTrue(10 * fused > others && others > fused, fused + " beside " + others);
    Block block = Plans.block(Attention.causal(2, 4));
    Mixture mixture = (Mixture) block.sublayers().get(1).operation();
    int width = Plans.records(Plans.head(Head.Pool.MEAN)).width();
    assertNotNull(
        MemberGraphs.fused(width, "m", mixture, Products.FP16, Kernels.CUDA), "not drawn");
  }

  private static List<String> notes(OnnxBackend backend, FeedForward expert, Precision precision) {
    ModelSpec spec = spec(expert);
    try (Weights weights = Weights.random(spec, 1);
        var model = backend.load(spec, weights, options(precision, Experts.FUSED))) {
      return model.numerics().notes();
    }
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
    assertTrue(refused.contains("\"all\" is not one of [single, together, fused]"), refused);
  }

  @Test
  void expertsTogetherGiveTheBitsOfSingleOnesOnBothSidesOfTheTable() {
    ModelSpec spec = spec(FeedForward.gated(24, Activation.SILU));
    for (Precision precision : Precision.values()) {
      List<String> notes =
          precision == Precision.INT8
              ? List.of(
                  "the experts of blocks.0.mixture run one by one:"
                      + " one graph takes 1 GiB of them, and none in 8 bits")
              : List.of();
      float[] whole = logits(spec, precision, Experts.TOGETHER, notes, MOST);
      for (int rows : new int[] {1, 2, 3, 7, 40, MOST}) {
        float[] single = logits(spec, precision, Experts.SINGLE, List.of(), rows);
        float[] together = logits(spec, precision, Experts.TOGETHER, notes, rows);
        assertArrayEquals(single, together, precision + ", " + rows + " rows");
        float[] first = Arrays.copyOf(whole, together.length);
        assertArrayEquals(first, together, precision + ", first of " + rows + " rows");
      }
    }
  }

  @Test
  void expertsTogetherPromiseWhatSingleOnesDo() {
    ModelSpec spec = spec(FeedForward.plain(24, Activation.RELU));
    try (Weights weights = Weights.random(spec, 1);
        var single = backend.load(spec, weights, options(Precision.FP32, Experts.SINGLE));
        var together = backend.load(spec, weights, options(Precision.FP32, Experts.TOGETHER))) {
      assertEquals(single.numerics(), together.numerics());
    }
  }

  private float[] logits(ModelSpec spec, Precision precision, Experts experts, List<String> notes) {
    return logits(spec, precision, experts, notes, 7);
  }

  private float[] logits(
      ModelSpec spec, Precision precision, Experts experts, List<String> notes, int rows) {
    try (Weights weights = Weights.random(spec, 1);
        Engine engine =
            Engine.open(
                backend.load(spec, weights, options(precision, experts)), Policy.fullDepth())) {
      assertEquals(notes, engine.numerics().notes());
      int[] tokens = IntStream.range(0, rows).map(row -> (row + row / 7) % 8).toArray();
      Inference answer = engine.infer(Item.of("rows", Event.ofTokens(tokens)));
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
        new Input.Tokens(8, MOST),
        Embedding.plain(),
        Plan.of(Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), mixture))),
        new Head(Head.Pool.EACH, null, 3, false));
  }
}
