package anabranch.engine.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.ModelSpec;
import anabranch.model.SampleRouters;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayerCountsTest {
  /** M3: rows that are set aside are not counted; -2 - e is an expert without room. */
  @Test
  void picksOfOwnRowsAreCountedByWhatTheyPicked() {
    EngineMetrics metrics = new EngineMetrics();
    metrics.serves("script", Batches.mixture(), true);
    BitSet aside = new BitSet();
    aside.set(1);
    metrics.batch(Batches.own(4, Batches.picks(0, 3, 0, 0, 4, 5, 6, -5), aside));
    Snapshot.Layer layer = metrics.snapshot().models().get(0).layers().get(0);
    assertEquals(List.of(1L, 0L, 0L, 1L), layer.tokens());
    assertEquals(List.of(1L, 2L, 0L), layer.special());
    assertEquals(1, layer.dropped());
    assertTrue(Double.isNaN(layer.variation()), "no whole window yet");
  }

  /**
   * Loads 512, 256, 256, 0 of a window of 1024: the mean is 256, the variance (256^2 + 256^2) / 4,
   * the entropy of (1/2, 1/4, 1/4) is 1.5 ln 2 of the 2 ln 2 that equal loads have.
   */
  @Test
  void theStatisticsOfAWindowAreThoseComputedByHand() {
    EngineMetrics metrics = new EngineMetrics();
    metrics.serves("script", Batches.mixture(), true);
    int[] picks = new int[1024];
    Arrays.fill(picks, 512, 768, 1);
    Arrays.fill(picks, 768, 1024, 2);
    metrics.batch(Batches.own(512, Batches.picks(picks), new BitSet()));
    Snapshot.Layer layer = metrics.snapshot().models().get(0).layers().get(0);
    assertEquals(Math.sqrt(0.5), layer.variation(), 1e-12);
    assertEquals(2, layer.maxRatio(), 1e-12);
    assertEquals(0.75, layer.entropy(), 1e-12);
    metrics.batch(Batches.own(1, Batches.picks(3, 3), new BitSet()));
    assertEquals(0.75, metrics.snapshot().models().get(0).layers().get(0).entropy(), 1e-12);
  }

  @Test
  void everyMixtureAndSkipOfADescriptionHasItsPlace() {
    ModelSpec spec = SampleRouters.mixtures();
    EngineMetrics metrics = new EngineMetrics();
    metrics.serves("script", spec, true);
    List<Snapshot.Layer> layers = metrics.snapshot().models().get(0).layers();
    int blocks = spec.plan().blocks().size();
    assertTrue(layers.size() >= blocks, layers.size() + " layers of " + blocks + " blocks");
    for (int i = 0; i < blocks; i++) {
      String start = "blocks." + i + ".";
      assertTrue(layers.stream().anyMatch(layer -> layer.path().startsWith(start)), start);
    }
  }
}
