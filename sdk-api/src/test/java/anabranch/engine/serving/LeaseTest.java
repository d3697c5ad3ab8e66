package anabranch.engine.serving;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Lease;
import anabranch.engine.ScriptedModel;
import anabranch.engine.Scripts;
import anabranch.engine.Sequence;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LeaseTest {
  private final ScriptedModel model = new ScriptedModel(Scripts.causal());
  private final CountDownLatch running = new CountDownLatch(1);
  private final CountDownLatch go = new CountDownLatch(1);

  @BeforeEach
  void hold() {
    model.before =
        batch -> {
          running.countDown();
          Scripts.await(go);
        };
  }

  private Engine open() {
    return Engine.open(
        model, Scripts.both(), EngineOptions.defaults().withBatchRows(1).withInFlightRows(1));
  }

  /** Q13. */
  @Test
  void aLeaseHoldsNoMoreThanItsShareAndLeavesTheOthersTheirs() {
    try (Engine engine = open();
        Lease small = engine.lease(2);
        Lease other = engine.lease(5)) {
      CompletableFuture<Inference> first = small.submit(Scripts.item(10));
      Scripts.await(running);
      assertTrue(small.offer(Scripts.item(20)).isPresent());
      assertTrue(small.offer(Scripts.item(30)).isEmpty());
      assertEquals(2, small.accepted());
      assertTrue(other.offer(Scripts.item(40)).isPresent());
      go.countDown();
      first.join();
      small.submit(Scripts.item(50)).join();
    }
  }

  @Test
  void whoWasRefusedIsToldOnceThereIsRoom() throws Exception {
    try (Engine engine = open();
        Lease small = engine.lease(1);
        Lease other = engine.lease(5)) {
      assertTrue(small.room().isDone(), "there is room");
      CompletableFuture<Inference> first = small.submit(Scripts.item(10));
      Scripts.await(running);
      assertTrue(small.offer(Scripts.item(20)).isEmpty());
      CompletableFuture<Void> room = small.room();
      assertFalse(room.isDone());
      assertTrue(other.room().isDone());
      go.countDown();
      room.get(10, TimeUnit.SECONDS);
      assertTrue(first.isDone());
      assertTrue(small.offer(Scripts.item(20)).isPresent());
    }
  }

  @Test
  void roomInTheQueueOfTheEngineIsToldTooAndSoIsItsEnd() throws Exception {
    EngineOptions narrow =
        EngineOptions.defaults().withBatchRows(1).withInFlightRows(1).withQueueItems(1);
    Engine engine = Engine.open(model, Scripts.both(), narrow);
    engine.submit(Scripts.item(10));
    Scripts.await(running);
    CompletableFuture<Inference> queued = engine.submit(Scripts.item(20));
    CompletableFuture<Void> cancelled = engine.room();
    assertFalse(cancelled.isDone());
    queued.cancel(false);
    assertTrue(cancelled.isDone(), "the queue is empty again");
    engine.submit(Scripts.item(30));
    CompletableFuture<Void> room = engine.room();
    Lease lease = engine.lease(1);
    CompletableFuture<Void> closed = lease.room();
    assertFalse(room.isDone() || closed.isDone());
    lease.close();
    assertTrue(closed.isDone() && !room.isDone());
    go.countDown();
    room.get(10, TimeUnit.SECONDS);
    engine.close();
    assertTrue(engine.room().isDone());
  }

  /** Q13. */
  @Test
  void whatASequenceIsOfferedWaitsForNoRoom() {
    try (Engine engine = open();
        Lease small = engine.lease(2);
        Sequence sequence = small.begin("s")) {
      CompletableFuture<Inference> first = sequence.offer(Scripts.item(10)).orElseThrow();
      CompletableFuture<Inference> second = sequence.offer(Scripts.item(20)).orElseThrow();
      assertTrue(sequence.offer(Scripts.item(30)).isEmpty());
      go.countDown();
      first.join();
      assertEquals(1, second.join().positions()[0]);
      assertEquals(2, sequence.offer(Scripts.item(40)).orElseThrow().join().positions()[0]);
      assertTrue(sequence.offer(Scripts.item(5000)).orElseThrow().isCompletedExceptionally());
    }
  }

  /** Q13: whoever continues at once on an answer finds the place free that it had. */
  @Test
  void anAnswerFreesItsPlaceBeforeItIsSeen() {
    go.countDown();
    try (Engine engine = open();
        Lease lease = engine.lease(1)) {
      CompletableFuture<Inference> chain =
          lease.submit(Scripts.item(10)).thenCompose(first -> lease.submit(Scripts.item(20)));
      assertEquals("item20", chain.join().item());
      assertEquals(0, lease.accepted());
    }
  }

  /** Q13: the items of a lease that drains go before older ones of a neighbour, at every step. */
  @Test
  void drainingHurriesOneLeaseAndLosesNothingOfItsNeighbours() throws Exception {
    try (Engine engine = open();
        Lease busy = engine.lease(100);
        Lease drained = engine.lease(100)) {
      CompletableFuture<Inference> blocker = busy.submit(Scripts.item(12));
      Scripts.await(running);
      CompletableFuture<Inference> hurried = drained.submit(Scripts.item(22));
      CompletableFuture<Void> over = drained.drain();
      CompletableFuture<Inference> late = drained.submit(Scripts.item(32));
      assertFalse(over.isDone());
      go.countDown();
      over.get(30, TimeUnit.SECONDS);
      assertTrue(hurried.isDone());
      blocker.join();
      late.join();
      assertTrue(drained.drain().isDone(), "nothing is left");
    }
  }

  /** Q13: the lanes wait for as long as an engine can be told to linger, unless they are woken. */
  @Test
  void whoSaysThatNothingMoreComesIsAnsweredAtOnce() throws Exception {
    go.countDown();
    EngineOptions patient = EngineOptions.defaults().withLinger(Duration.ofMinutes(1)).withLanes(2);
    Engine engine = Engine.open(model, Scripts.both(), patient);
    Lease lease = engine.lease(10);
    for (int round = 1; round <= 3; round++) {
      CompletableFuture<Inference> first = lease.submit(Scripts.item(10));
      CompletableFuture<Inference> second = lease.submit(Scripts.item(20));
      while (!aLaneLingers()) {
        Thread.onSpinWait();
      }
      assertFalse(first.isDone());
      lease.flush();
      first.get(30, TimeUnit.SECONDS);
      second.get(30, TimeUnit.SECONDS);
      assertEquals(round, model.calls.size(), "they shared a batch");
    }
    engine.close(Duration.ZERO);
  }

  private boolean aLaneLingers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("anabranch-" + model.spec().name()))
        .anyMatch(thread -> thread.getState() == Thread.State.TIMED_WAITING);
  }

  @Test
  void aClosedLeaseRefusesAndClosesItsSequences() {
    go.countDown();
    try (Engine engine = open()) {
      Lease lease = engine.lease(3);
      Sequence sequence = lease.begin("s");
      sequence.submit(Event.ofTokens(10)).join();
      CompletableFuture<Inference> accepted = lease.submit(Scripts.item(10));
      lease.close();
      lease.close();
      accepted.join();
      assertThrows(IllegalStateException.class, () -> lease.submit(Scripts.item(20)));
      assertThrows(IllegalStateException.class, () -> sequence.submit(Event.ofTokens(20)));
      engine.infer(Scripts.item(20));
      assertEquals(0, model.openStates.get());
    }
  }

  /** Q8: a timeout is a completion by somebody else. */
  @Test
  void aTimeoutRemovesAnItemAndCountsItNoLonger() {
    try (Engine engine = open();
        Lease lease = engine.lease(3)) {
      CompletableFuture<Inference> first = lease.submit(Scripts.item(10));
      Scripts.await(running);
      CompletableFuture<Inference> second =
          lease.submit(Scripts.item(20)).orTimeout(1, TimeUnit.MILLISECONDS);
      assertThrows(Exception.class, second::join);
      assertEquals(1, lease.accepted());
      go.countDown();
      first.join();
    }
    assertEquals(List.of("S0 L*0,"), model.calls);
  }

  /** Q9. */
  @Test
  void whatIsNotAnsweredInTimeFailsWhenTheEngineCloses() throws InterruptedException {
    Engine engine = open();
    CompletableFuture<Inference> runs = engine.submit(Scripts.item(12));
    Scripts.await(running);
    CompletableFuture<Inference> waits = engine.submit(Scripts.item(20));
    engine.close(Duration.ofMillis(20));
    for (CompletableFuture<Inference> each : List.of(runs, waits)) {
      Throwable reason = assertThrows(Exception.class, each::join).getCause();
      assertEquals("the engine was closed and had PT0.02S to answer", reason.getMessage());
    }
    assertFalse(model.closed, "a batch still runs");
    go.countDown();
    while (!model.closed) {
      Thread.sleep(1);
    }
    assertEquals(0, model.openHandles.get());
    assertEquals(0, model.openStates.get());
    assertEquals(1, model.calls.size(), "nothing ran behind the step that was running");
  }

  @Test
  void boundsAreChecked() {
    go.countDown();
    try (Engine engine = open()) {
      assertRefused("lease.items 0 is below 1", () -> engine.lease(0));
      assertRefused(
          "item.within PT0S is not above 0 and at most 1 day",
          () -> Scripts.item(1).within(Duration.ZERO));
    }
  }
}
