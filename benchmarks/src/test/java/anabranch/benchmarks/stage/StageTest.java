package anabranch.benchmarks.stage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StageTest {
  @Test
  void exitsAnswerAsTheirKernelsAndAreTimed() {
    Report report = new Report("depth", line -> {});
    try (Limits limits = new Limits(1)) {
      Depth.run("onnx", List.of(8), 1, limits, report);
    }
    assertEquals(
        List.of(
            "depth.T8.leave0%.ours/kernels",
            "depth.T8.leave0%.ours/without exits",
            "depth.T8.leave25%.ours/kernels",
            "depth.T8.leave50%.ours/kernels"),
        report.findings().stream().map(Finding::name).toList());
  }

  @Test
  void aStepMakesNoDirectMemoryOnceItIsWarm() {
    List<String> lines = new ArrayList<>();
    Steps.run("onnx", 1, new Report("step", lines::add));
    assertTrue(lines.get(0).endsWith("once warm: 0 bytes"), lines.toString());
  }

  @Test
  void eightBitsAreComparedWithFp32ByTimeNumbersAndDecisions() {
    List<String> lines = new ArrayList<>();
    Report report = new Report("bits", lines::add);
    Bits.run("onnx", new Bits.Sizes(64, List.of(1, 8), 32, 48, 2, 24), 1, report);
    assertEquals(
        List.of(
            "bits.network.D64.T1.fp32/int8",
            "bits.network.D64.T1.products.fp32/int8",
            "bits.network.D64.T8.fp32/int8",
            "bits.network.D64.T8.products.fp32/int8",
            "bits.model.prefill24.fp32/int8",
            "bits.model.decode.fp32/int8"),
        report.findings().stream().map(Finding::name).toList());
    assertTrue(report.findings().get(0).floor() > 0, report.findings().toString());
    assertTrue(lines.stream().anyMatch(line -> line.contains("leave at the same place")));
  }

  /** Each case fails by itself where the rows that ran are not those of the prediction. */
  @Test
  void savingsRunTheRowsThatAreForetold() {
    Report report = new Report("savings", line -> {});
    Savings.run("onnx", 80, 64, 1, report);
    assertEquals(
        List.of(
            "savings.skip.12.5%.realised/predicted",
            "savings.skip.25.0%.realised/predicted",
            "savings.skip.50.0%.realised/predicted",
            "savings.nested.8 to 1 of 8 slices.realised/predicted",
            "savings.prune.50%.realised/predicted",
            "savings.packed.36 of 64 rows.realised/predicted"),
        report.findings().stream().map(Finding::name).toList());
  }

  @Test
  void curvesHaveARowForEachPoint() {
    List<String> lines = new ArrayList<>();
    Curves.run("onnx", 16, 16, 2, 1, new Report("curves", lines::add));
    assertEquals(4, lines.stream().filter(line -> line.endsWith("GFLOP/s")).count());
    assertEquals(4 * 2 + 3 + 2 + 1 + 2, lines.size());
  }
}
