package anabranch.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import anabranch.conformance.report.Fuzz;
import anabranch.error.Unsupported;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PrecisionTest {
  private final OnnxBackend backend = new OnnxBackend();

  @Test
  void precisionsTravelAsSettings() {
    for (Precision each : Precision.values()) {
      LoadOptions options = OnnxOptions.defaults().withPrecision(each).into(LoadOptions.defaults());
      assertEquals(each, OnnxOptions.from(options).precision());
    }
    List<Unsupported> refused =
        backend.check(Models.causal(), LoadOptions.defaults().with("onnx.precision", "int7"));
    assertEquals(1, refused.size());
    assertTrue(refused.toString().contains("\"int7\" is not one of [fp32, int8"), refused + "");
  }

  @Test
  void aLoadedModelSaysWhatItRunsIn() {
    try (LoadedModel whole = load(Precision.FP32);
        LoadedModel bits = load(Precision.INT8)) {
      assertEquals("fp32", whole.numerics().type());
      assertEquals("int8", bits.numerics().type());
      assertEquals(whole.numerics().kind(), bits.numerics().kind());
      assertTrue(bits.numerics().kind() != Numerics.Kind.TOLERANT);
      assertTrue(bits.numerics().relative() > whole.numerics().relative());
    }
  }

  @Test
  void statesOfDifferentNumbersNeverMix() {
    try (LoadedModel whole = load(Precision.FP32);
        LoadedModel bits = load(Precision.INT8);
        SequenceState state = whole.newState(null);
        SequenceState other = bits.newState(null)) {
      StateImage image = state.image(0);
      assertNotEquals(image.signature(), other.image(0).signature());
      assertThrows(IllegalArgumentException.class, () -> bits.restore(image));
    }
  }

  @Test
  void eightBitsAreRefusedBeyondTheCpu() {
    OnnxOptions options =
        OnnxOptions.defaults().withPrecision(Precision.INT8).withDevice(Device.cuda(0).preferred());
    List<Unsupported> refused =
        backend.check(Models.causal(), options.into(LoadOptions.defaults()));
    assertTrue(refused.toString().contains("int8 runs on cpu alone, not on cuda:0"), refused + "");
  }

  @Test
  void sumsThatMayNotFitAreRefusedWithTheirLength() {
    int inner = (1 << 17) + 1;
    FeedForward network = FeedForward.plain(inner, Activation.RELU);
    ModelSpec spec =
        new ModelSpec(
            "wide",
            2,
            new Input.Features(2, 4),
            Embedding.plain(),
            Plan.of(Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), network))),
            new Head(Head.Pool.EACH, null, 3, false));
    assertEquals(List.of(), backend.check(spec, LoadOptions.defaults()));
    List<Unsupported> refused = backend.check(spec, options(Precision.INT8));
    assertEquals(1, refused.size(), refused + "");
    assertEquals("onnx.precision", refused.get(0).field());
    assertTrue(
        refused.get(0).reason().endsWith("adds up 131073 products, at most 131072 in int8"),
        refused + "");
  }

  @Test
  void typesOfEqualLengthKeepStatesOfTheirOwn() {
    try (LoadedModel half = load(Precision.FP16);
        LoadedModel brain = load(Precision.BF16);
        SequenceState state = half.newState(null);
        SequenceState other = brain.newState(null)) {
      assertEquals("fp16", half.numerics().type());
      assertEquals("bf16", brain.numerics().type());
      assertNotEquals(state.image(0).signature(), other.image(0).signature());
      assertThrows(IllegalArgumentException.class, () -> half.restore(other.image(0)));
    }
  }

  /** Near numbers differ by more than the tolerance here: each is judged by its own (rule D9). */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void whateverIsDrawnIsRightInTheNumbersThatAreDeclared(Precision precision) {
    Fuzz fuzz = Fuzz.run(backend, options(precision), 0, 30);
    assertEquals(List.of(), fuzz.wrong());
    assertTrue(fuzz.accepted() >= 15, fuzz.accepted() + " were accepted");
  }

  private LoadedModel load(Precision precision) {
    ModelSpec spec = Models.causal();
    return backend.load(spec, Weights.random(spec, 5), options(precision));
  }

  private static LoadOptions options(Precision precision) {
    return OnnxOptions.defaults().withPrecision(precision).into(LoadOptions.defaults());
  }
}
