package anabranch.benchmarks.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
        List.of("threads.T512.two/one"), report.findings().stream().map(Finding::name).toList());
  }

  @Test
  void tasksThatShareAModelAreCountedInMemory() {
    List<String> lines = new ArrayList<>();
    Tasks.run(weights, 1, new Report("tasks", lines::add));
    assertTrue(lines.get(3).startsWith("tasks: 8 share "), lines.toString());
  }
}
