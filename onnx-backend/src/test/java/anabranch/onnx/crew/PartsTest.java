package anabranch.onnx.crew;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PartsTest {
  private static final int LEAST = 32;

  @Test
  void everyRowOfEveryCallStandsInOnePart() {
    SplittableRandom random = new SplittableRandom(3);
    for (int run = 0; run < 2000; run++) {
      int[] counts = random.ints(random.nextInt(20), 0, random.nextInt(1, 400)).toArray();
      int[][] seen = Arrays.stream(counts).mapToObj(int[]::new).toArray(int[][]::new);
      Parts parts = Parts.of(counts, 1 + run % 4, LEAST);
      for (int part = 0; part < parts.count(); part++) {
        assertTrue(parts.rows(part) > 0);
        for (int row = 0; row < parts.rows(part); row++) {
          seen[parts.call(part)][parts.first(part) + row]++;
        }
      }
      for (int[] rows : seen) {
        assertTrue(Arrays.stream(rows).allMatch(times -> times == 1), Arrays.toString(counts));
      }
    }
  }

  @Test
  void callsWithMoreRowsComeFirst() {
    assertArrayEquals(new int[] {3, 1, 4, 0}, calls(Parts.of(new int[] {1, 5, 0, 9, 5}, 2, LEAST)));
  }

  @Test
  void callsOfFewRowsAreNotCut() {
    assertEquals(1, Parts.of(new int[] {0, 2 * LEAST - 1}, 2, LEAST).count());
    assertEquals(2, Parts.of(new int[] {0, 2 * LEAST}, 2, LEAST).count());
  }

  @Test
  void threadsEndTogether() {
    SplittableRandom random = new SplittableRandom(5);
    for (int run = 0; run < 500; run++) {
      int threads = 1 + run % 4;
      int[] counts = random.ints(random.nextInt(1, 40), 0, random.nextInt(1, 900)).toArray();
      int share = (Arrays.stream(counts).sum() + threads - 1) / threads;
      int last = Arrays.stream(ends(Parts.of(counts, threads, LEAST), threads)).max().orElse(0);
      assertTrue(last < share + 2 * LEAST, last + " of " + share + Arrays.toString(counts));
    }
  }

  @Test
  void callsAreNotCutWhereThreadsEndTogetherAnyway() {
    assertEquals(4, Parts.of(new int[] {131, 130, 129, 128}, 2, LEAST).count());
    assertEquals(4, Parts.of(new int[] {130, 130, 130}, 2, LEAST).count());
  }

  /** Returns when each thread ends that takes part after part, in rows. */
  private static int[] ends(Parts parts, int threads) {
    int[] ends = new int[threads];
    for (int part = 0; part < parts.count(); part++) {
      Arrays.sort(ends);
      ends[0] += parts.rows(part);
    }
    return ends;
  }

  @Test
  void oneThreadCutsNothing() {
    assertEquals(3, Parts.of(new int[] {500, 20, 1000}, 1, LEAST).count());
  }

  private static int[] calls(Parts parts) {
    int[] calls = new int[parts.count()];
    Arrays.setAll(calls, parts::call);
    return calls;
  }
}
