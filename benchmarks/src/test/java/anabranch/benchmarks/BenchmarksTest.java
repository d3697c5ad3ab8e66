package anabranch.benchmarks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.benchmarks.job.FlinkCosts;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.measure.Tensors;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BenchmarksTest {
  private static final Path WEIGHTS = Path.of("../samples/models/surprise.safetensors");

  @Test
  void eachSideRunsOnceARoundAndFollowsEachOther() {
    List<String> ran = new ArrayList<>();
    Map<String, Contest.Times> times =
        new Contest().side("a", () -> ran.add("a")).side("b", () -> ran.add("b")).run(2, 20);
    assertEquals(List.of("a", "b"), List.copyOf(times.keySet()));
    assertEquals(44, ran.size());
    Set<List<String>> orders = new HashSet<>();
    for (int first = 0; first < ran.size(); first += 2) {
      orders.add(List.copyOf(ran.subList(first, first + 2)));
    }
    assertEquals(Set.of(List.of("a", "b"), List.of("b", "a")), orders);
  }

  @Test
  void speedUpIsTheMedianOfTheRatiosOfRounds() {
    Contest.Times slow = new Contest.Times(new long[] {20, 90, 30}, new long[] {6, 6, 6});
    Contest.Times quick = new Contest.Times(new long[] {10, 30, 20}, new long[] {3, 3, 3});
    assertEquals(2, quick.speedUpOver(slow));
    assertEquals(2, quick.busySpeedUpOver(slow));
    assertEquals(30, slow.median());
  }

  @Test
  void linesBecomeWindowsThatKeepTheirLine() {
    Lines lines = Lines.of("letters", List.of("abcde", "", "f"), 2, 4);
    assertEquals(List.of(0, 0, 1), lines.lineOf());
    assertArrayEquals("abcd".getBytes(), lines.windows().get(0));
    assertArrayEquals("e\n".getBytes(), lines.windows().get(1));
    assertEquals('c', lines.items(256).get(0).event().token(3));
    assertEquals(256, lines.items(256).get(0).event().token(0));
    assertThrows(
        IllegalArgumentException.class, () -> Lines.of("letters", List.of("a", " "), 2, 4));
  }

  @Test
  void theModelIsThatOfTheSampleWithAndWithoutExits() {
    try (Weights weights = Safetensors.open(WEIGHTS)) {
      weights.requireFit(ByteModel.withExits());
      Tensors.part(weights, ByteModel.withoutExits(ByteModel.withExits()))
          .requireFit(ByteModel.withoutExits(ByteModel.withExits()));
    }
  }

  @Test
  void exitsAreComparedAndTimedOnTheBackend() {
    StringBuilder report = new StringBuilder();
    List<String> text = Lines.read(Path.of("src/main/java"), "Exits.java");
    Exits.run(
        "onnx",
        WEIGHTS,
        List.of(Lines.of("Java", text, 8, 128)),
        List.of(2048),
        1,
        line -> report.append(line).append('\n'));
    assertTrue(report.toString().contains("without exits"), report.toString());
    assertTrue(report.toString().contains("early 0.60, middle 0.60"), report.toString());
    assertTrue(report.toString().contains("calls by AttendStep."), report.toString());
  }

  @Test
  void waysToGatherSurvivorsAnswerAlikeAndAreTimed() {
    StringBuilder report = new StringBuilder();
    Rebatch.run("onnx", 1, new Report("rebatch", line -> report.append(line).append('\n')));
    assertTrue(report.toString().contains("rebatch.50%.ADAPTIVE/predicted"), report.toString());
    assertTrue(report.toString().contains("involuntary exits 0,"), report.toString());
  }

  @Test
  void modelsAreSwappedAndEveryAnswerIsThatOfItsVersion() {
    StringBuilder report = new StringBuilder();
    Swaps.run("onnx", 2, 1, line -> report.append(line).append('\n'));
    assertTrue(report.toString().startsWith("2 swaps under load: "), report.toString());
  }

  @Test
  void jobsAnswerAsTheBareEngineDoesAndAreTimed() {
    for (String name : FlinkCosts.NAMES) {
      Report report = new Report(name, line -> {});
      FlinkCosts.run(name, "onnx", 1, 0.02, report);
      List<String> judged =
          report.findings().stream()
              .filter(finding -> !finding.verdict().isEmpty())
              .map(finding -> finding.name())
              .toList();
      assertEquals(2, judged.size(), judged.toString());
      assertEquals(name.equals("flink-rocks") ? 2 : 4, report.findings().size());
      assertTrue(judged.stream().allMatch(each -> each.startsWith("flink.")), judged.toString());
    }
  }

  @Test
  void aFindingPassesFailsOrIsUnclearByItsIntervalAndARehearsalDoesNeither() {
    Finding finding = Finding.of("f", new double[] {1.0, 1.1, 1.2, 1.1, 1.1});
    assertEquals(1.1, finding.ratio());
    assertEquals("", finding.verdict());
    assertEquals("pass", finding.atLeast(1.0).verdict());
    assertEquals("unclear", finding.atLeast(1.1).verdict());
    assertEquals("fail", finding.atLeast(1.3).verdict());
    assertEquals("pass", finding.atLeast(1.3).withFloor(1.03).verdict());
    assertEquals("pass", finding.atMost(1.25).verdict());
    assertEquals("fail", finding.atMost(0.9).verdict());
    assertEquals("unmeasured", finding.atLeast(1.0).rehearsed().verdict());
    assertEquals("unmeasured", finding.rehearsed().atLeast(1.3).verdict());
    assertEquals("f ratio=1.100 [1.000..1.200] goal=1.300 fail", finding.atLeast(1.3).toString());
  }
}
