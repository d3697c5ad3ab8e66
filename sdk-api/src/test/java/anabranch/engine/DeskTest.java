package anabranch.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import anabranch.engine.schedule.Schedule;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DeskTest {
  private final ScriptedModel model = new ScriptedModel(Scripts.causal());
  private final Route route = new Route(model.spec);
  private final Desk desk = new Desk(EngineOptions.defaults(), route.legs().size());

  /** Q8: it waits behind the first step, with a state of its own. */
  @Test
  void aCancelledItemLeavesAnInnerQueueAtOnce() {
    Answer answer = new Answer(desk);
    Pending pending = onItsWay(answer);
    answer.cancel(true);
    assertEquals(0, model.openStates.get(), "states");
    desk.close();
    assertNull(desk.take(), "nothing waits behind " + pending.item());
  }

  @Test
  void whatIsNotCancelledIsHandedOutToTheEnd() {
    Pending pending = onItsWay(new Answer(desk));
    desk.close();
    Schedule.Batch<Pending> batch = desk.take();
    assertNotNull(batch);
    assertEquals(List.of(pending), batch.items());
    assertEquals(1, batch.step());
    desk.done(batch, 1, 1, List.of());
    assertNull(desk.take());
  }

  private Pending onItsWay(Answer answer) {
    Item item = Scripts.item(12);
    Pending pending =
        new Admission(route, model.numerics()).admit(item, Policy.fullDepth(), answer);
    assertNotNull(pending);
    desk.put(pending);
    Schedule.Batch<Pending> first = desk.take();
    assertNotNull(first);
    pending.sequence(model.newState(null));
    pending.enter(route.legs().get(1));
    desk.done(first, 1, 1, List.of(new Desk.Onward(pending, 1, first.arrivals().get(0))));
    return pending;
  }
}
