package anabranch.benchmarks.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import anabranch.model.layer.Attention;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayersTest {
  private static final Shape SHAPE = new Shape(32, 16, 4, 2, 0);

  @Test
  void allWaysAnswerAlikeAndAreTimed() {
    Report report = new Report("layer", line -> {});
    try (Limits limits = new Limits(1)) {
      Layers.run("onnx", List.of(SHAPE, SHAPE.skewed(1)), List.of(5, 20), 1, limits, report);
    }
    List<String> names = report.findings().stream().map(Finding::name).toList();
    assertTrue(names.contains("layer.D32.F16.E4.K2.T5.ours/floor"), names.toString());
    assertTrue(names.contains("layer.D32.F16.E4.K2.zipf.T20.ours/masked"), names.toString());
    String together = "layer.D32.F16.E4.K2.T20.together/best of the stable plans";
    assertTrue(names.contains(together), names.toString());
    assertTrue(names.contains("layer.D32.F16.E4.K2.T5.ours/read bound"), names.toString());
  }

  @Test
  void picksGroupRowsByExpertsAndKnowTheirWeights() {
    float[] logits = {1, 3, 2, 0, 0, 0, 5, 5};
    Picks picks = new Picks(SHAPE, logits, 2);
    assertEquals(4, picks.size());
    assertEquals(3, picks.touched());
    assertArrayEquals(
        new int[] {0, 1, 2, 1},
        new int[] {picks.count(0), picks.count(1), picks.count(2), picks.count(3)});
    assertEquals(0, picks.row(picks.slotOf(0)));
    assertEquals(1 / (1 + Math.exp(-1)), picks.weight(0), 1e-6);
    assertEquals(0.5, picks.weight(2), 1e-6);
  }

  @Test
  void aSkewedShapeSendsMoreRowsToItsFirstExperts() {
    Shape skewed = new Shape(64, 8, 16, 2, 1.5);
    try (Bench bench = new Bench(skewed);
        PerExpert plain = new PerExpert(bench, 256)) {
      Picks picks = plain.picks();
      assertTrue(picks.count(0) > 4 * picks.count(15), picks.count(0) + ", " + picks.count(15));
    }
  }

  /** Each case fails by itself where both sides do not read the same. */
  @Test
  void headsThatShareKeysAreComparedWithTheOperator() {
    Report report = new Report("heads", line -> {});
    Attention shared = Attention.causal(6, 8).withKeyValueHeads(2);
    Heads.run(List.of(shared, Attention.causal(2, 8)), List.of(64), 1, report);
    assertEquals(
        List.of(
            "heads.6 of 8 by 2.T1 behind 64.operator/ours",
            "heads.6 of 8 by 2.T64 behind 64.operator/ours",
            "heads.2 of 8 by 2.T1 behind 64.operator/ours",
            "heads.2 of 8 by 2.T64 behind 64.operator/ours"),
        report.findings().stream().map(Finding::name).toList());
  }
}
