package anabranch.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DeskTest {
  private final ScriptedModel model = new ScriptedModel(Scripts.causal());
  private final Service service =
      new Service("first", model, Policy.fullDepth(), EngineOptions.defaults());
  private final Desk desk = new Desk(service, 16, List.of(), batch -> {});
  private final Lease lease = new Lease(null, desk, 16);

  /** Q8: it waits behind the first step, with a state of its own. */
  @Test
  void aCancelledItemLeavesAnInnerQueueAtOnce() {
    Pending pending = onItsWay();
    pending.answer().cancel(true);
    assertEquals(0, model.openStates.get(), "states");
    assertEquals(0, lease.accepted(), "accepted");
    desk.close();
    assertNull(desk.take(), "nothing waits behind " + pending.item());
  }

  @Test
  void whatIsNotCancelledIsHandedOutToTheEnd() {
    Pending pending = onItsWay();
    desk.close();
    Service.Work work = desk.take();
    assertNotNull(work);
    assertEquals(List.of(pending), work.batch().items());
    assertEquals(1, work.batch().step());
    desk.done(work, 1, 1, List.of());
    assertNull(desk.take());
  }

  /** Whatever goes wrong as answers are shown, nothing of the batch is left on its way. */
  @Test
  void aLaneGivesItsBatchBackThoughCountingItsAnswersFails() {
    EngineListener broken =
        new EngineListener() {
          @Override
          public void batch(Batch batch) {}

          @Override
          public void completed(
              String version, String policy, Outcome outcome, long flops, long full, long nanos) {
            throw new StackOverflowError("shown");
          }
        };
    Desk shaken = new Desk(service, 16, List.of(), broken);
    Pending pending = put(service, shaken, new Lease(null, shaken, 16));
    Lane lane = new Lane(false, broken);
    shaken.close();
    Service.Work work;
    while ((work = shaken.take()) != null) {
      lane.run(work, shaken);
    }
    assertTrue(pending.answer().isDone(), "shown");
    assertEquals(0, service.load, "items and batches");
    assertNull(shaken.take(), "nothing runs");
  }

  /** Q13: who has nothing that waits for an answer is not waited for. */
  @Test
  void nothingLingersOnceAllWhoWaitForAnswersSayThatNothingMoreComes() {
    Service patient =
        new Service(
            "patient",
            new ScriptedModel(Scripts.causal()),
            Policy.fullDepth(),
            EngineOptions.defaults().withLinger(Duration.ofMinutes(1)));
    Desk shared = new Desk(patient, 16, List.of(), batch -> {});
    Lease one = new Lease(null, shared, 16);
    Lease two = new Lease(null, shared, 16);
    new Lease(null, shared, 16).flush();
    put(patient, shared, one);
    assertFalse(isReady(patient), "more may come");
    one.flush();
    assertTrue(isReady(patient));
    Pending second = put(patient, shared, two);
    assertFalse(isReady(patient), "more may come from the other");
    two.flush();
    assertTrue(isReady(patient));
    put(patient, shared, one);
    assertFalse(isReady(patient), "it brought something and may bring more");
    two.flush();
    assertFalse(isReady(patient), "the other cannot say so for it");
    one.close();
    assertTrue(isReady(patient), "it is closed");
    Pending third = put(patient, shared, two);
    second.answer().cancel(true);
    assertFalse(isReady(patient), "one of its two is not answered");
    third.answer().cancel(true);
    assertTrue(isReady(patient), "it has nothing that waits");
    shared.close();
  }

  private static boolean isReady(Service service) {
    return service.schedule.wakeAt() <= System.nanoTime();
  }

  private static Pending put(Service service, Desk desk, Lease lease) {
    Pending pending =
        service.admission.admit(Scripts.item(12), service, new Lease.Answer(desk, lease));
    assertNotNull(pending);
    assertTrue(desk.put(pending));
    return pending;
  }

  private Pending onItsWay() {
    Item item = Scripts.item(12);
    Pending pending = service.admission.admit(item, service, new Lease.Answer(desk, lease));
    assertNotNull(pending);
    assertTrue(desk.put(pending));
    Service.Work first = desk.take();
    assertNotNull(first);
    pending.state(model.newState(null));
    pending.enter(service.route.legs().get(1));
    long arrival = first.batch().arrivals().get(0);
    desk.done(first, 1, 1, List.of(new Lane.Onward(pending, 1, arrival)));
    return pending;
  }
}
