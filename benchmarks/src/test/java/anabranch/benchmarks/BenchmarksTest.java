package anabranch.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchmarksTest {
  @Test
  void sidesRunInTurn() {
    List<String> ran = new ArrayList<>();
    Map<String, Long> medians =
        new Contest().side("a", () -> ran.add("a")).side("b", () -> ran.add("b")).medians(1, 2);
    assertEquals(List.of("a", "b", "a", "b", "a", "b"), ran);
    assertEquals(List.of("a", "b"), List.copyOf(medians.keySet()));
  }

  @Test
  void exitsAreCountedAndComparedOnTheBackend() {
    String report = Exits.run("onnx", 1);
    assertTrue(report.contains("100 % leave after block 2"), report);
    assertTrue(report.contains("computed on cpu"), report);
  }
}
