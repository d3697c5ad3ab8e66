package anabranch.benchmarks.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessTest {
  @TempDir Path folder;
  private Path weights;

  @BeforeEach
  void write() {
    weights = folder.resolve("wide.safetensors");
    Wide.write(weights);
  }

  /** A program that says nothing and does not end. */
  static final class Silent {
    public static void main(String[] args) throws InterruptedException {
      Thread.sleep(Long.MAX_VALUE);
    }
  }

  @Test
  void aChildThatLivesLongerThanItMayIsEnded() {
    try (Child child =
        new Child(
            System.getProperty("java.class.path"),
            Silent.class.getName(),
            List.of(),
            Map.of(),
            Duration.ofMillis(200),
            List.of())) {
      IllegalStateException ended = assertThrows(IllegalStateException.class, child::hear);
      assertTrue(ended.getMessage().contains("may live for PT0.2S"), ended.getMessage());
    }
  }

  @Test
  void startsAreTimedBesideTheSameGraphsByHand() {
    List<String> lines = new ArrayList<>();
    Starts.run(weights, folder, 1, new Report("start", lines::add));
    assertTrue(lines.get(0).startsWith("start: first answer "), lines.toString());
  }

  @Test
  void oneAndTwoThreadsAnswerWithEqualBits() {
    Report report = new Report("threads", line -> {});
    Threads.run(weights, 1, report);
    assertEquals(
        List.of("threads.T512.two/one", "threads.T512.products.two/one"),
        report.findings().stream().map(Finding::name).toList());
    assertTrue(report.findings().get(0).floor() > 0, report.findings().toString());
  }

  @Test
  void tasksThatShareAModelAreCountedInMemory() {
    List<String> lines = new ArrayList<>();
    Tasks.run(weights, 1, new Report("tasks", lines::add));
    assertTrue(lines.get(3).startsWith("tasks: 8 share "), lines.toString());
    assertTrue(lines.get(4).startsWith("tasks: each adds "), lines.toString());
  }

  @Test
  void whatATaskAddsIsTheRiseOfTheLineNearestToAllCounts() {
    int[] counts = {1, 2, 4, 8};
    assertEquals(0.5, Tasks.slope(counts, new double[] {10.5, 11, 12, 14}), 1e-12);
    assertEquals(-2.75 / 28.75, Tasks.slope(counts, new double[] {1, 0, 0, 0}), 1e-12);
  }

  @Test
  void stepsMakeNoDirectMemoryOnceTheyAreWarm() {
    List<String> lines = new ArrayList<>();
    Flat.run("onnx", 2000, 2, new Report("flat", lines::add));
    List<String> made =
        lines.stream().filter(line -> line.contains("direct memory of calls")).toList();
    assertEquals(2, made.size());
    made.forEach(line -> assertTrue(line.endsWith("of calls grew by 0 bytes"), line));
  }
}
