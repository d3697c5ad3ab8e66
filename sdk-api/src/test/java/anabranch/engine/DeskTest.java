package anabranch.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
    Desk.Work work = desk.take();
    assertNotNull(work);
    assertEquals(List.of(pending), work.batch().items());
    assertEquals(1, work.batch().step());
    desk.done(work, 1, 1, List.of());
    assertNull(desk.take());
  }

  private Pending onItsWay() {
    Item item = Scripts.item(12);
    Pending pending = service.admission.admit(item, service, new Lease.Answer(desk, lease));
    assertNotNull(pending);
    assertTrue(desk.put(pending));
    Desk.Work first = desk.take();
    assertNotNull(first);
    pending.state(model.newState(null));
    pending.enter(service.route.legs().get(1));
    long arrival = first.batch().arrivals().get(0);
    desk.done(first, 1, 1, List.of(new Desk.Onward(pending, 1, arrival)));
    return pending;
  }
}
