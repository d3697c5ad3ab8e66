package anabranch.samples.flows;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlowsTest {
  private static final Path WEIGHTS = Path.of("models/flows.safetensors");
  private static final int FIRST = 3_000_000;
  private static final int HOSTS = 60;

  private static final List<Flow> FLOWS = new ArrayList<>();
  private static List<Verdict> verdicts;

  @BeforeAll
  static void judgeSomeHosts() {
    for (int host = FIRST; host < FIRST + HOSTS; host++) {
      FLOWS.addAll(Traffic.of(host));
    }
    FLOWS.sort(Comparator.comparingDouble(Flow::time));
    verdicts = FlowsJobKt.judge(FLOWS, FlowsJobKt.flowsRecipe("onnx", WEIGHTS));
  }

  @Test
  void everyFlowIsJudgedOnce() {
    assertEquals(
        count(FLOWS.stream().map(Flow::kind).toList()),
        count(verdicts.stream().map(Verdict::kind).toList()));
    assertEquals(
        count(FLOWS.stream().map(Flow::host).toList()),
        count(verdicts.stream().map(Verdict::host).toList()));
  }

  private static Map<Integer, Integer> count(List<Integer> some) {
    Map<Integer, Integer> counts = new HashMap<>();
    some.forEach(one -> counts.merge(one, 1, Integer::sum));
    return counts;
  }

  @Test
  void mostAttacksOfHostsThatWereNotTrainedOnAreFound() {
    long attacks = verdicts.stream().filter(v -> v.kind() > 0).count();
    long found = verdicts.stream().filter(v -> v.kind() > 0 && v.said() == v.kind()).count();
    long right = verdicts.stream().filter(v -> v.said() == v.kind()).count();
    assertTrue(attacks > 500, "attacks " + attacks);
    assertTrue(found > 0.9 * attacks, found + " of " + attacks);
    assertTrue(right > 0.98 * verdicts.size(), right + " of " + verdicts.size());
  }

  @Test
  void windowsLeaveEarlyAndSayWhatTheEndWouldSay() {
    long early = verdicts.stream().filter(v -> v.depth() < 3).count();
    long other = verdicts.stream().filter(v -> v.said() != v.atFull()).count();
    long flops = verdicts.stream().mapToLong(Verdict::flops).sum();
    long full = verdicts.stream().mapToLong(Verdict::fullFlops).sum();
    assertTrue(early > verdicts.size() / 2, "early " + early + " of " + verdicts.size());
    assertTrue(other < verdicts.size() / 100, "otherwise " + other + " of " + verdicts.size());
    assertTrue(flops < full / 2, flops + " of " + full);
  }

  @Test
  void theTableHasARowForEachClassAndSaysHowFarOneLayerGoes() {
    String table = FlowsKt.table(verdicts);
    for (Kind kind : Kind.values()) {
      assertTrue(table.contains(kind.name().toLowerCase().replace('_', ' ')), table);
    }
    assertTrue(table.contains("of this traffic, which is simulated"), table);
  }

  @Test
  void theWeightsFitTheModel() {
    try (Weights weights = Safetensors.open(WEIGHTS)) {
      weights.requireFit(FlowsModel.getFlowsModel());
    }
  }

  @Test
  void aHostIsTheSameEachTimeAndAWindowLooksBackOnly() {
    List<Flow> flows = Traffic.of(7);
    assertEquals(flows, Traffic.of(7));
    int end = 40;
    float[] window = HostWindow.of(flows.subList(0, end)).rows();
    assertEquals(HostWindow.LENGTH * HostWindow.FIELDS, window.length);
    assertArrayEquals(window, HostWindow.of(flows.subList(end - HostWindow.HISTORY, end)).rows());
    assertEquals(3 * HostWindow.FIELDS, HostWindow.of(flows.subList(0, 3)).rows().length);
  }

  @Test
  void theCsvHasALineForEachFlow(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("flows.csv");
    TrafficCsv.write(file, 5, 7);
    List<String> lines = Files.readAllLines(file);
    assertEquals(Traffic.of(5).size() + Traffic.of(6).size(), lines.size());
    assertTrue(lines.get(0).matches("5,0(,[0-9.e+-]+){11}"), lines.get(0));
  }
}
