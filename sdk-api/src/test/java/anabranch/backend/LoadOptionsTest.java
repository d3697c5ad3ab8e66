package anabranch.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.Serialized;
import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.model.SampleSpecs;
import anabranch.model.facts.Dependence;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Rule D5. */
class LoadOptionsTest {
  @Test
  void dependenceAboveTheLimitIsRefused() {
    ModelSpec prefix = SampleSpecs.bytes();
    ModelSpec sequence = SampleSpecs.features();
    LoadOptions defaults = LoadOptions.defaults();
    assertEquals(List.of(), defaults.refusals(prefix));
    assertEquals(List.of(), defaults.refusals(sequence));
    LoadOptions upToPrefix = defaults.withLimit(Dependence.PREFIX);
    assertEquals(List.of(), upToPrefix.refusals(prefix));
    assertEquals(
        List.of(
            new Unsupported(
                "dependence", "SEQUENCE is above the limit PREFIX of the options", "D3")),
        upToPrefix.refusals(sequence));
    assertEquals(
        List.of(
            new Unsupported("dependence", "PREFIX is above the limit TOKEN of the options", "D3")),
        defaults.withLimit(Dependence.TOKEN).refusals(prefix));
  }

  @Test
  void settingsAreAddedAndReplacedWithoutTouchingTheOriginal() {
    LoadOptions one = LoadOptions.defaults().with("onnx.device", "cpu");
    LoadOptions two = one.with("onnx.device", "cuda:0").with("onnx.threads", "2");
    assertEquals(Map.of("onnx.device", "cpu"), one.settings());
    assertEquals(Map.of("onnx.device", "cuda:0", "onnx.threads", "2"), two.settings());
    assertEquals(Map.of(), LoadOptions.defaults().settings());
    assertEquals(two.settings(), two.withLimit(Dependence.TOKEN).settings());
  }

  @Test
  void settingsAreCopied() {
    Map<String, String> settings = new HashMap<>(Map.of("a", "1"));
    LoadOptions options = new LoadOptions(Dependence.TOKEN, Set.of(), settings);
    settings.put("b", "2");
    assertEquals(Map.of("a", "1"), options.settings());
    assertThrows(UnsupportedOperationException.class, () -> options.settings().clear());
  }

  @Test
  void optionsSurviveSerialization() {
    LoadOptions options =
        LoadOptions.defaults().withLimit(Dependence.PREFIX).with("a", "1").accepting("b");
    assertEquals(options, Serialized.copy(options));
  }
}
