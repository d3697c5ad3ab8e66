package anabranch.engine.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What goes before the deepest queue, and before an efficient batch. */
class UrgencyTest {
  private final Schedule<String> schedule =
      new Schedule<>(3, Mode.COMPACT, Limits.of(1, 8, 4, 100), new Costs(3, 0.25));

  /** Q5: its queue is taken until it is served, in its order. */
  @Test
  void anItemWithoutTimeBringsItsQueueForward() {
    schedule.goOn(2, "deep", 1, 0, 0);
    schedule.goOn(1, "before", 1, 1, 0);
    schedule.goOn(1, "late", 1, 2, 0, 50);
    assertEquals(List.of("deep"), schedule.next(49).items());
    schedule.goOn(2, "deep", 1, 0, 0);
    Schedule.Batch<String> batch = schedule.next(50);
    assertEquals(List.of("before"), batch.items());
    assertEquals(Schedule.Reason.URGENT, batch.reason());
    assertEquals(50, batch.waited());
    assertEquals(List.of("late"), schedule.next(51).items());
    assertEquals(Schedule.Reason.NEXT, schedule.next(52).reason());
  }

  /** Q5: of two urgent queues, that of the item which came first of all. */
  @Test
  void theFirstOfTheUrgentIsServedFirst() {
    schedule.goOn(2, "younger", 1, 7, 0, 10);
    schedule.goOn(1, "older", 1, 3, 0, 20);
    assertEquals(List.of("older"), schedule.next(30).items());
  }

  /** Q5: it does not linger. */
  @Test
  void anUrgentItemDoesNotWaitForCompany() {
    Schedule<String> roomy =
        new Schedule<>(3, Mode.COMPACT, Limits.of(9, 8, 4, 100), new Costs(3, 0.25));
    roomy.arrive(0, "a", 1, 0, 40);
    assertNull(roomy.next(39));
    assertEquals(40, roomy.wakeAt());
    assertEquals(List.of("a"), roomy.next(40).items());
  }

  /** Q13: who is urged is urgent wherever it waits; nobody else is. */
  @Test
  void urgingReachesEveryQueue() {
    schedule.goOn(2, "neighbour", 1, 0, 0);
    schedule.goOn(1, "mine", 1, 1, 0);
    schedule.arrive(0, "mine too", 1, 0);
    schedule.urge(item -> item.startsWith("mine"), 5);
    assertEquals(List.of("mine too"), schedule.next(5).items());
    assertEquals(List.of("mine"), schedule.next(5).items());
    assertEquals(List.of("neighbour"), schedule.next(5).items());
  }

  /** Q4, Q5: urgency does not open the first queue. */
  @Test
  void anUrgentItemWaitsForRoom() {
    Schedule<String> full =
        new Schedule<>(2, Mode.COMPACT, Limits.of(1, 1, 4, 0), new Costs(2, 0.25));
    full.arrive(0, "first", 1, 0);
    Schedule.Batch<String> running = full.next(0);
    full.arrive(0, "urgent", 1, 0, 0);
    assertNull(full.next(5));
    assertEquals(Long.MAX_VALUE, full.wakeAt());
    full.done(running);
    assertEquals(List.of("urgent"), full.next(6).items());
  }

  /** Q4: bytes close the first queue as rows do, but never for the only item. */
  @Test
  void itemsWaitWhileThoseOnTheirWayHoldTooMuch() {
    AtomicLong held = new AtomicLong(100);
    Limits limits = new Limits(1, 8, 50, 0, 4, 0);
    Schedule<String> bounded =
        new Schedule<>(2, Mode.COMPACT, limits, new Costs(2, 0.25), held::get, () -> 0);
    bounded.arrive(0, "a", 1, 0);
    bounded.arrive(0, "b", 1, 0);
    assertNotNull(bounded.next(0));
    assertNull(bounded.next(0));
    held.set(49);
    assertEquals(List.of("b"), bounded.next(0).items());
  }

  /** Q10: a fill waits for a batch of its step, and one that is wanted runs alone. */
  @Test
  void fillsRideAlongOrRunAloneWhereTheyAreWanted() {
    schedule.fill(2, "fill", 5, false);
    assertNull(schedule.next(0));
    assertEquals(0, schedule.inFlight());
    schedule.goOn(1, "item", 1, 0, 0);
    assertEquals(List.of(), schedule.next(0).fills());
    schedule.goOn(2, "item", 1, 0, 0);
    Schedule.Batch<String> both = schedule.next(0);
    assertEquals(List.of("fill"), both.fills());
    assertEquals(List.of("item"), both.items());
    assertEquals(1, both.rows());
    schedule.fill(2, "fill", 5, false);
    schedule.fill(1, "wanted", 5, true);
    Schedule.Batch<String> alone = schedule.next(0);
    assertEquals(Schedule.Reason.FILL, alone.reason());
    assertEquals(List.of("wanted"), alone.fills());
    schedule.unfill(2, "fill");
    schedule.goOn(2, "next", 1, 0, 0);
    assertEquals(List.of(), schedule.next(0).fills());
  }

  /** Q10: only so many at once. */
  @Test
  void aBatchTakesAsManyFillsAsRows() {
    Schedule<String> wide =
        new Schedule<>(2, Mode.COMPACT, Limits.of(4, 8, 4, 0), new Costs(2, 0.25));
    for (String name : List.of("a", "b", "c")) {
      wide.fill(1, name, 2, true);
    }
    assertEquals(List.of("a", "b"), wide.next(0).fills());
    assertEquals(List.of("c"), wide.next(0).fills());
    assertNull(wide.next(0));
  }

  /** Q5: two rows at once are no reason to hold anybody. */
  @Test
  void adaptiveIsCompactWhereTwoRowsAreEfficient() {
    Costs costs = new Costs(2, 0.25);
    for (int i = 0; i < 3; i++) {
      for (int step = 0; step < 2; step++) {
        costs.took(step, 1, 1000);
        costs.took(step, 2, 1001);
        costs.took(step, 4, 2001);
      }
    }
    assertEquals(2, costs.efficientRows(0));
    assertEquals(4002, costs.remaining(0));
    assertEquals(2001, costs.remaining(1));
    Schedule<String> adaptive = new Schedule<>(2, Mode.ADAPTIVE, Limits.of(4, 8, 4, 0), costs);
    adaptive.arrive(0, "a", 2, 0);
    adaptive.goOn(1, "alone", 1, 0, 0);
    assertEquals(List.of("alone"), adaptive.next(0).items());
  }
}
