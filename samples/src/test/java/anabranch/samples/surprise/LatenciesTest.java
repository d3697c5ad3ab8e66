package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LatenciesTest {
  @Test
  void sharesLieWithinABucketOfTheTruth() {
    Latencies latencies = new Latencies();
    for (int i = 1; i <= 1000; i++) {
      latencies.add(i * 100_000L);
    }
    assertEquals(50, latencies.millis(0.5), 50 * 0.03);
    assertEquals(99, latencies.millis(0.99), 99 * 0.03);
    assertEquals(100, latencies.millis(1), 100 * 0.03);
  }

  @Test
  void extremesStayInBounds() {
    Latencies latencies = new Latencies();
    assertTrue(Double.isNaN(latencies.millis(0.5)));
    latencies.add(-1);
    latencies.add(Long.MAX_VALUE);
    assertTrue(latencies.millis(0.5) <= 0.002);
  }
}
