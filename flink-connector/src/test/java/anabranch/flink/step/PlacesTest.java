package anabranch.flink.step;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlacesTest {
  private final List<Object> emitted = new ArrayList<>();
  private final List<Object> cancelled = new ArrayList<>();

  private final class Named extends Places.Waiting {
    private final Object name;

    Named(Object name) {
      this.name = name;
    }

    @Override
    public void emit() throws Exception {
      emitted.add(name);
    }

    @Override
    protected void cancel() {
      cancelled.add(name);
    }
  }

  private Named add(Places places, Object name) {
    Named record = new Named(name);
    places.add(record);
    return record;
  }

  /**
   * Records finish in random order. A control element is named by how many places came before it;
   * no record may change sides with it.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void noRecordCrossesAControlElement(boolean ordered) throws Exception {
    SplittableRandom random = new SplittableRandom(11);
    int overtakings = 0;
    for (int round = 0; round < 500; round++) {
      emitted.clear();
      Places places = new Places(ordered);
      List<Integer> controls = new ArrayList<>();
      List<Named> running = new ArrayList<>();
      int place = 0;
      while (place < 40 || !running.isEmpty()) {
        int at = place;
        if (place < 40 && random.nextInt(5) == 0) {
          controls.add(at);
          places.addControl(() -> emitted.add(at));
          place++;
        } else if (place < 40 && random.nextBoolean()) {
          running.add(add(places, at));
          place++;
        } else if (!running.isEmpty()) {
          places.done(running.remove(random.nextInt(running.size())));
        }
        places.emitReady();
        assertEquals(place - emitted.size(), places.size());
      }
      assertTrue(places.isEmpty());
      assertEquals(0, places.controls());
      assertEquals(place, emitted.stream().distinct().count());
      for (int mark : controls) {
        int at = emitted.indexOf(mark);
        assertTrue(emitted.subList(0, at).stream().allMatch(other -> (int) other < mark));
        assertTrue(emitted.subList(at + 1, place).stream().allMatch(other -> (int) other > mark));
      }
      overtakings += emitted.equals(emitted.stream().sorted().toList()) ? 0 : 1;
    }
    assertTrue(ordered ? overtakings == 0 : overtakings > 400, overtakings + " rounds overtook");
  }

  @Test
  void unorderedRecordsLeaveInTheOrderInWhichTheyWereDone() throws Exception {
    Places places = new Places(false);
    List<Named> records = new ArrayList<>();
    for (int n = 0; n < 4; n++) {
      records.add(add(places, n));
    }
    for (int n : new int[] {2, 0, 3}) {
      places.done(records.get(n));
    }
    places.emitReady();
    assertEquals(List.of(2, 0, 3), emitted);
    assertSame(records.get(1), places.first());
  }

  /** An output may let mails run, and one of them may come back here. */
  @Test
  void whoComesBackInWhileSomethingIsEmittedLeavesTheRestToTheCallOutside() throws Exception {
    Places places = new Places(true);
    Named second = new Named("second");
    places.addControl(
        () -> {
          places.done(second);
          places.emitReady();
          assertFalse(places.isEmpty());
          emitted.add("first");
        });
    places.add(second);
    places.emitReady();
    assertEquals(List.of("first", "second"), emitted);
    assertNull(places.first());
  }

  @Test
  void givingUpReachesEveryRecordThatWaits() throws Exception {
    Places places = new Places(false);
    Named one = add(places, 1);
    add(places, 2);
    places.addControl(() -> emitted.add("mark"));
    add(places, 3);
    places.done(one);
    places.emitReady();
    places.cancel();
    assertEquals(List.of(1), emitted);
    assertEquals(List.of(2, 3), cancelled);
    assertTrue(places.isEmpty());
  }
}
