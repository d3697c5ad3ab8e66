package anabranch.benchmarks.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadOptions;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import anabranch.onnx.session.Session;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.io.IOException;
import java.nio.ShortBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GpuTest {
  private static final LoadOptions OPTIONS =
      LoadOptions.defaults().with("onnx.device", "cpu").with("onnx.precision", "bf16");

  private final StringBuilder said = new StringBuilder();
  private final Report report = new Report("gpu", line -> said.append(line).append('\n'));

  @Test
  void aRehearsalRunsEverythingAndGivesNoVerdict(@TempDir Path folder) throws IOException {
    Path script = folder.resolve("none.sh");
    Files.writeString(script, "echo '{\"missing\": \"no PyTorch here\"}'\n");
    Gpu.run("onnx", "tiny", OPTIONS, 21, List.of("sh"), script, report);
    String text = said.toString();
    assertTrue(text.startsWith("ran bf16 on cpu by ONNX Runtime "), text);
    assertTrue(text.contains("a rehearsal on cpu: nothing here was measured on a GPU"), text);
    assertTrue(text.contains("gpu.grouped unmeasured: no PyTorch here"), text);
    assertTrue(text.contains("gpu.layer.D64.F128.E4.K2.T32.fused/grouped unmeasured"), text);
    assertTrue(text.contains("gpu.copies.T32: "), text);
    assertTrue(text.contains("gpu.events.B2.large: "), text);
    List<String> names = report.findings().stream().map(Finding::name).toList();
    assertTrue(names.contains("gpu.layer.D64.F128.E4.K2.T8.single/floor"), names.toString());
    assertTrue(names.contains("gpu.exits.large.T16.realised/predicted"), names.toString());
    assertTrue(text.contains("graphs by device: | cuda | small | unmeasured |"), text);
    for (Finding each : report.findings()) {
      boolean both = each.name().endsWith(".small/large");
      assertEquals(both ? "unmeasured" : "", each.verdict(), each.toString());
    }
    assertTrue(calls(text, "large") < calls(text, "small"), text);
    for (Finding each : report.findings()) {
      assertEquals("unmeasured", each.atLeast(0).verdict(), "a goal that anything reaches");
    }
  }

  private static int calls(String text, String graphs) {
    String name = "gpu\\.events\\.B1\\." + graphs + ": (\\d+) calls of graphs";
    Matcher found = Pattern.compile(name).matcher(text);
    assertTrue(found.find(), text);
    return Integer.parseInt(found.group(1));
  }

  @Test
  void answersOfTheGroupedKernelsAreComparedBeforeTheirTimes() {
    float[] own = {1, -1, 2, -2};
    double[] bare = new double[4];
    assertTrue(times(1.01f, -1, 2, -2).agrees(own, bare));
    assertFalse(times(1.2f, -1, 2, -2).agrees(own, bare));
    assertFalse(times(1, -1, 2, 0).agrees(own, bare));
    assertFalse(times(1, -1, 2).agrees(own, bare));
  }

  /** A row through one expert, in double precision; the same row through one that adds nothing. */
  @ParameterizedTest
  @ValueSource(strings = {"tiny", "middle", "full"})
  void expertsThatAddNothingDoNotAgree(String name) {
    Size size = Size.named(name);
    try (Weights weights = Size.weights(size.layer())) {
      double[] bare = Grouped.bare(size, weights, 1);
      double[] x = numbers(weights.tensor("embedding.tokens"), size.width());
      String expert = "blocks.0.mixture.experts.0.";
      double[] gate = times(weights, expert + "gate.weight", x);
      double[] up = times(weights, expert + "up.weight", x);
      for (int i = 0; i < gate.length; i++) {
        up[i] *= gate[i] / (1 + Math.exp(-gate[i]));
      }
      double[] added = times(weights, "head.weight", times(weights, expert + "down.weight", up));
      float[] own = new float[bare.length];
      float[] zeroed = new float[bare.length];
      for (int i = 0; i < own.length; i++) {
        own[i] = (float) (bare[i] + added[i]);
        zeroed[i] = (float) bare[i];
      }
      assertTrue(times(own).agrees(own, bare));
      assertFalse(times(zeroed).agrees(own, bare));
    }
  }

  private static Grouped.Times times(float... logits) {
    return new Grouped.Times(new long[] {1}, logits);
  }

  private static double[] times(Weights weights, String name, double[] x) {
    Tensor tensor = weights.tensor(name);
    ShortBuffer bits = tensor.bytes().asShortBuffer();
    double[] y = new double[tensor.shape().get(0)];
    for (int i = 0; i < y.length; i++) {
      for (int j = 0; j < x.length; j++) {
        y[i] += Float.intBitsToFloat(bits.get(i * x.length + j) << 16) * x[j];
      }
    }
    return y;
  }

  private static double[] numbers(Tensor tensor, int count) {
    ShortBuffer bits = tensor.bytes().asShortBuffer();
    double[] all = new double[count];
    for (int i = 0; i < count; i++) {
      all[i] = Float.intBitsToFloat(bits.get(i) << 16);
    }
    return all;
  }

  @Test
  void theScriptSaysWhatItLacksOrTimesTheKernels() {
    Path script = Path.of("src/main/python/grouped.py");
    assertTrue(Files.exists(script));
    Gpu.run("onnx", "tiny", OPTIONS, 1, List.of("python3"), script, report);
    String text = said.toString();
    assertTrue(
        text.contains("gpu.grouped unmeasured: ") || text.contains("gpu.grouped ran on"), text);
  }

  @Test
  void aDeviceThatIsNotThereEndsTheProbeWithWhy() {
    for (String device : List.of("cuda:999", "cuda:999:preferred")) {
      said.setLength(0);
      assertFalse(Probe.run("onnx", device, line -> said.append(line).append('\n')));
      String last = said.toString().lines().reduce((a, b) -> b).orElse("");
      assertTrue(last.startsWith("probe: " + device + " "), said.toString());
      assertTrue(last.contains("refused") || last.contains("models run on cpu"), last);
    }
  }

  @Test
  void theProbeOfACpuFindsEveryOperator() {
    assertTrue(Probe.run("onnx", "cpu", line -> said.append(line).append('\n')), said.toString());
    Map<String, String> operators = Operators.survey(Session.CPU);
    operators.forEach((name, found) -> assertEquals("runs", found, name));
  }

  /** Those of 8 bits run on the CPU alone. */
  @Test
  void theSurveyHasEveryOperatorThatGraphsAreMadeOf() throws IOException {
    Set<String> surveyed = new TreeSet<>();
    for (String each : Operators.survey(Session.CPU).keySet()) {
      surveyed.addAll(List.of(each.split("[ ,]+")));
    }
    Pattern written = Pattern.compile("nodes?\\(\\s*\"([A-Z]\\w+)\"");
    Set<String> missing = new TreeSet<>();
    Path sources = Path.of("../onnx-backend/src/main/java");
    try (Stream<Path> files = Files.walk(sources)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
        if (!file.endsWith("EightBits.java")) {
          Matcher found = written.matcher(Files.readString(file));
          while (found.find()) {
            missing.add(found.group(1));
          }
        }
      }
    }
    assertTrue(missing.size() > 20, missing.toString());
    missing.removeAll(surveyed);
    assertEquals(Set.of(), missing);
  }

  @Test
  void anUnknownSizeIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Size.named("huge"));
    assertEquals(8192, Size.named("full").most());
    assertEquals("D4096.F14336.E8.K2", Size.full().toString());
  }
}
