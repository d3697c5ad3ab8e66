package anabranch.benchmarks;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Runs several sides in turn, so that whatever disturbs the machine disturbs them alike. Confined
 * to one thread.
 */
final class Contest {
  private final Map<String, Runnable> sides = new LinkedHashMap<>();

  /** Adds a side. */
  Contest side(String name, Runnable work) {
    sides.put(name, work);
    return this;
  }

  /**
   * Returns the median nanoseconds of each side, in the order in which they were added.
   *
   * @param warmUps rounds before the clock counts
   * @param rounds rounds that count, at least 1
   */
  Map<String, Long> medians(int warmUps, int rounds) {
    Map<String, long[]> times = new LinkedHashMap<>();
    sides.keySet().forEach(name -> times.put(name, new long[rounds]));
    for (int round = -warmUps; round < rounds; round++) {
      for (Map.Entry<String, Runnable> side : sides.entrySet()) {
        long start = System.nanoTime();
        side.getValue().run();
        if (round >= 0) {
          times.get(side.getKey())[round] = System.nanoTime() - start;
        }
      }
    }
    Map<String, Long> medians = new LinkedHashMap<>();
    times.forEach(
        (name, all) -> {
          Arrays.sort(all);
          medians.put(name, all[rounds / 2]);
        });
    return medians;
  }
}
