package anabranch.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.error.DescriptionException;
import anabranch.error.Unsupported;
import anabranch.error.UnsupportedModelException;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.weights.Weights;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeviceTest {
  private final ModelSpec spec = Models.causal();
  private final OnnxBackend backend = new OnnxBackend();

  @Test
  void optionsTravelAsSettings() {
    for (Device device :
        List.of(
            Device.cpu(),
            Device.cuda(0).required(),
            Device.cuda(12).preferred(),
            Device.cuda(3).strict())) {
      OnnxOptions options = OnnxOptions.defaults().withDevice(device).withThreads(3);
      assertEquals(options, OnnxOptions.from(options.into(LoadOptions.defaults())));
    }
    assertEquals(OnnxOptions.defaults(), OnnxOptions.from(LoadOptions.defaults()));
  }

  @Test
  void malformedSettingsAreRefusedByCheck() {
    assertRefused("onnx.device", "gpu", "neither \"cpu\" nor");
    assertRefused("onnx.device", "cpu:preferred", "cannot be :preferred");
    assertRefused("onnx.threads", "many", "\"many\" is not a whole number");
    assertRefused("onnx.threads", "0", "0 is not in 1..1024");
    assertThrows(DescriptionException.class, () -> Device.cuda(-1));
  }

  @Test
  void misspeltSettingsAreRefusedWithTheNamesThatExist() {
    assertRefused(
        "onnx.thread",
        "1",
        "[onnx.device, onnx.threads, onnx.precision, onnx.experts, onnx.state, onnx.graphs]");
    assertEquals(List.of(), backend.check(spec, LoadOptions.defaults().with("other.thread", "1")));
  }

  @Test
  void aWeightThatNoGraphHoldsIsRefusedWhateverTheSettings() {
    ModelSpec wide =
        new ModelSpec(
            "wide",
            1 << 13,
            new Input.Tokens(1 << 17, 8),
            Embedding.plain(),
            spec.plan(),
            spec.head());
    Unsupported table =
        new Unsupported(
            "embedding.tokens",
            "holds 1073741824 weights in the message of one graph, at most 536608767");
    for (String threads : List.of("1", "none")) {
      List<Unsupported> refused =
          backend.check(wide, LoadOptions.defaults().with("onnx.threads", threads));
      assertTrue(refused.contains(table), refused.toString());
    }
  }

  /** No machine has a device 999; the GPU build names the library or the device that is missing. */
  @Test
  void aRequiredDeviceThatIsNotThereFailsAndSaysWhatIsMissing() {
    LoadOptions options = with(Device.cuda(999).required());
    List<Unsupported> refused = backend.check(spec, options);
    assertEquals(1, refused.size());
    assertEquals("onnx.device", refused.get(0).field());
    String reason = refused.get(0).reason();
    assertTrue(reason.startsWith("cuda:999: "), reason);
    assertTrue(
        reason.matches(
            "(?s).*(depend on anabranch-onnx-backend-gpu|needs the libraries of CUDA 12|there is no"
                + " device 999).*"),
        reason);
    assertThrows(
        UnsupportedModelException.class,
        () -> backend.load(spec, Weights.random(spec, 1), options));
  }

  @Test
  void aPreferredDeviceThatIsNotThereIsReplacedByTheCpuAndSaysSo() {
    LoadOptions options = with(Device.cuda(999).preferred());
    assertEquals(List.of(), backend.check(spec, options));
    try (LoadedModel model = backend.load(spec, Weights.random(spec, 1), options)) {
      assertEquals("cpu", model.numerics().device());
      assertTrue(
          model.numerics().notes().stream()
              .anyMatch(
                  note -> note.startsWith("runs on the CPU, because cuda:999 cannot be used")),
          model.numerics().notes().toString());
    }
  }

  @Test
  void aModelOnTheCpuHasNothingToExplain() {
    try (LoadedModel model = backend.load(spec, Weights.random(spec, 1), LoadOptions.defaults())) {
      assertEquals(List.of(), model.numerics().notes());
      assertEquals("fp32", model.numerics().type());
      assertTrue(
          model.numerics().provider().matches("ONNX Runtime [.\\d]+, CPUExecutionProvider"),
          model.numerics().provider());
    }
  }

  private static LoadOptions with(Device device) {
    return OnnxOptions.defaults().withDevice(device).into(LoadOptions.defaults());
  }

  private void assertRefused(String name, String value, String words) {
    List<Unsupported> refused = backend.check(spec, LoadOptions.defaults().with(name, value));
    assertEquals(1, refused.size(), refused.toString());
    assertTrue(refused.get(0).toString().contains(words), refused.toString());
  }
}
