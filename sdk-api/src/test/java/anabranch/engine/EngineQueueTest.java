package anabranch.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EngineQueueTest {
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

  @Test
  void aFullQueueRefusesOffersAndHoldsSubmitters() throws Exception {
    Engine engine = open(EngineOptions.defaults().withQueueItems(2).withBatchRows(1));
    CompletableFuture<Inference> first = engine.submit(Scripts.item(10));
    Scripts.await(running);
    engine.submit(Scripts.item(20));
    assertTrue(engine.offer(Scripts.item(30)).isPresent());
    assertTrue(engine.offer(Scripts.item(40)).isEmpty());
    Thread late = new Thread(() -> engine.submit(Scripts.item(50)).join());
    late.start();
    while (late.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertFalse(first.isDone());
    go.countDown();
    late.join();
    engine.close();
  }

  /** Q8. */
  @Test
  void cancellingAQueuedItemMakesRoomAndItNeverRuns() {
    Engine engine = open(EngineOptions.defaults().withQueueItems(1).withBatchRows(1));
    engine.submit(Scripts.item(10));
    Scripts.await(running);
    CompletableFuture<Inference> queued = engine.submit(Scripts.item(20));
    assertTrue(engine.offer(Scripts.item(30)).isEmpty());
    queued.cancel(true);
    CompletableFuture<Inference> next = engine.offer(Scripts.item(40)).orElseThrow();
    go.countDown();
    assertEquals("item40", next.join().item());
    engine.close();
    assertEquals(2, model.calls.size(), "the item that left at once and the one that came late");
  }

  /** Q8. */
  @Test
  void cancellingARunningItemStopsItBehindItsStage() {
    Engine engine = open(EngineOptions.defaults().withBatchRows(4).withLinger(seconds(50)));
    List<CompletableFuture<Inference>> answers =
        engine.submitAll(List.of(Scripts.item(12, 22), Scripts.item(32, 42)));
    Scripts.await(running);
    answers.get(0).cancel(true);
    go.countDown();
    assertEquals(2, answers.get(1).join().exit(0));
    engine.close();
    assertEquals(List.of("S0 L*0,L*1, L*0,L*1,", "S1 L*0,L*1,", "S2 L*0,L*1,"), model.calls);
    assertEquals(0, model.openStates.get());
    assertEquals(0, model.openHandles.get());
  }

  /** Q9. */
  @Test
  void closeAnswersWhatWasAcceptedAndRefusesTheRest() throws Exception {
    Engine engine = open(EngineOptions.defaults().withBatchRows(1));
    List<CompletableFuture<Inference>> answers = new ArrayList<>();
    for (int i = 1; i <= 20; i++) {
      answers.add(engine.submit(Scripts.item(10 * i)));
    }
    Thread closer = new Thread(engine::close);
    closer.start();
    go.countDown();
    closer.join();
    answers.forEach(answer -> assertTrue(answer.isDone() && !answer.isCompletedExceptionally()));
    assertTrue(model.closed);
    assertThrows(IllegalStateException.class, () -> engine.submit(Scripts.item(1)));
    engine.close();
  }

  @Test
  void noThreadIsLeftAfterClose() {
    go.countDown();
    Engine engine = open(EngineOptions.defaults().withLanes(3));
    engine.infer(Scripts.item(10));
    engine.close();
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith("anabranch-script"))
            .allMatch(thread -> joins(thread)));
  }

  @Test
  void aBatchTakesItemsUntilItHasEnoughRows() {
    go.countDown();
    Engine engine = open(EngineOptions.defaults().withBatchRows(4).withLinger(seconds(50)));
    List<CompletableFuture<Inference>> answers =
        engine.submitAll(List.of(Scripts.item(10, 20), Scripts.item(30), Scripts.item(40, 50)));
    answers.forEach(CompletableFuture::join);
    assertEquals(List.of("S0 L*0,L*1, L*0, L*0,L*1,"), model.calls);
    engine.close();
  }

  @Test
  void anItemWithMoreRowsThanABatchRunsAlone() {
    go.countDown();
    Engine engine = open(EngineOptions.defaults().withBatchRows(2));
    assertEquals(3, engine.infer(Scripts.item(10, 20, 30)).units());
    engine.close();
  }

  @Test
  void lingerEndsWithoutCompany() {
    go.countDown();
    Engine engine = open(EngineOptions.defaults().withLinger(Duration.ofMillis(5)));
    Inference inference = engine.infer(Scripts.item(10));
    assertTrue(inference.nanos() >= 5_000_000, inference.nanos() + " ns");
    engine.close();
  }

  @Test
  void aNewPolicyHoldsForItemsSubmittedLater() {
    Engine engine = open(EngineOptions.defaults().withBatchRows(1));
    CompletableFuture<Inference> early = engine.submit(Scripts.item(10));
    engine.policy(Policy.fullDepth());
    CompletableFuture<Inference> late = engine.submit(Scripts.item(10));
    go.countDown();
    assertEquals(0, early.join().exit(0));
    assertEquals(2, late.join().exit(0));
    engine.close();
  }

  @Test
  void aContinuationMaySubmitAgain() {
    go.countDown();
    Engine engine = open(EngineOptions.defaults());
    CompletableFuture<Inference> second =
        engine.submit(Scripts.item(10)).thenCompose(first -> engine.submit(Scripts.item(20)));
    assertEquals("item20", second.join().item());
    engine.close();
  }

  @Test
  void waitingOnAThreadOfTheEngineIsRefused() {
    go.countDown();
    Engine engine = open(EngineOptions.defaults());
    model.before =
        batch -> assertThrows(IllegalStateException.class, () -> engine.infer(Scripts.item(20)));
    engine.infer(Scripts.item(10));
    engine.close();
  }

  private Engine open(EngineOptions options) {
    return Engine.open(model, Scripts.both(), options);
  }

  private static Duration seconds(long count) {
    return Duration.ofSeconds(count);
  }

  private static boolean joins(Thread thread) {
    try {
      thread.join(10_000);
      return !thread.isAlive();
    } catch (InterruptedException stop) {
      return false;
    }
  }
}
