package anabranch.onnx.joined;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadOptions;
import anabranch.onnx.GraphChoice;
import anabranch.onnx.Graphs;
import anabranch.onnx.Models;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.OnnxOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class GraphChoiceTest {
  @Test
  void nobodyGetsLargeGraphsThatWereNotMeasured() {
    for (GraphChoice each : GraphChoice.all()) {
      boolean measured = !each.measured().equals(GraphChoice.UNMEASURED);
      assertTrue(measured || each.graphs() == Graphs.SMALL, each.toString());
      assertFalse(each.graphs() == Graphs.MEASURED, each.toString());
    }
  }

  @Test
  void thePageAboutGpusShowsTheTable() throws IOException {
    String page = Files.readString(Path.of("..", "docs", "gpu.md"));
    for (GraphChoice each : GraphChoice.all()) {
      assertTrue(page.contains("\n" + each + "\n"), each.toString());
    }
  }

  @Test
  void anUnknownWayIsRefusedWithThoseThatExist() {
    LoadOptions options = LoadOptions.defaults().with("onnx.graphs", "huge");
    String refused = new OnnxBackend().check(Models.causal(), options).toString();
    assertTrue(
        refused.contains("onnx.graphs \"huge\" is not one of [measured, small, large]"), refused);
    OnnxOptions large = OnnxOptions.defaults().withGraphs(Graphs.LARGE);
    assertEquals("large", large.into(LoadOptions.defaults()).settings().get("onnx.graphs"));
  }
}
