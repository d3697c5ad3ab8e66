package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchQueueTest {
  /**
   * Batches of random places finish in random order. A control element is named by how many places
   * came before it; no record may change sides with it.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void noPlaceCrossesAControlElement(boolean ordered) throws Exception {
    SplittableRandom random = new SplittableRandom(11);
    int overtakings = 0;
    for (int round = 0; round < 500; round++) {
      BatchQueue<Integer> queue = new BatchQueue<>(6, ordered);
      List<Integer> emitted = new ArrayList<>();
      List<Integer> controls = new ArrayList<>();
      List<Batch<Integer>> running = new ArrayList<>();
      int place = 0;
      for (int b = 0; b < 12; b++) {
        Batch<Integer> batch = new Batch<>();
        int size = random.nextInt(1, 4);
        for (int i = 0; i < size; i++) {
          int at = place++;
          batch.add(record(at, emitted));
          if (random.nextInt(4) == 0) {
            int mark = place++;
            controls.add(mark);
            batch.add((Batch.Place) () -> emitted.add(mark));
          }
        }
        queue.add(batch);
        Batch<Integer> next;
        while ((next = queue.startNext()) == null) {
          finishOne(running, queue, random);
        }
        running.add(next);
        assertTrue(queue.inFlight() <= 6);
      }
      while (!running.isEmpty()) {
        finishOne(running, queue, random);
      }
      assertTrue(queue.isEmpty());
      assertEquals(0, queue.inFlight());
      assertEquals(place, emitted.stream().distinct().count());
      assertEquals(place, emitted.size());
      for (int mark : controls) {
        int at = emitted.indexOf(mark);
        assertTrue(emitted.subList(0, at).stream().allMatch(other -> other < mark));
        assertTrue(emitted.subList(at + 1, place).stream().allMatch(other -> other > mark));
      }
      overtakings += emitted.equals(emitted.stream().sorted().toList()) ? 0 : 1;
    }
    assertTrue(ordered ? overtakings == 0 : overtakings > 100, overtakings + " rounds overtook");
  }

  private static void finishOne(
      List<Batch<Integer>> running, BatchQueue<Integer> queue, SplittableRandom random)
      throws Exception {
    running.remove(random.nextInt(running.size())).done();
    queue.emitReady();
  }

  private static HeldRecord<Integer> record(int place, List<Integer> emitted) {
    return new HeldRecord<>(
        place, new StreamRecord<>(place), List.of(), null, record -> emitted.add(record.value()));
  }
}
