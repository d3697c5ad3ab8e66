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
}
