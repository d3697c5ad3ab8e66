package anabranch.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.error.DescriptionException;
import anabranch.error.ExecutionException;
import anabranch.model.ModelSpec;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
/** Rule E4. */
class EngineFailureTest {
  private final ScriptedModel model = new ScriptedModel(Scripts.causal());

  @Test
  void aPoisonousItemFailsAloneAndNamesItselfAndItsStage() {
    model.poison = 66;
    try (Engine engine = open()) {
      List<CompletableFuture<Inference>> answers =
          engine.submitAll(
              List.of(Scripts.item(12, 13), Scripts.item(66, 13), Scripts.item(12, 13, 10)));
      ExecutionException failure = failure(answers.get(1));
      assertEquals("item66", failure.item());
      assertEquals(0, failure.stage());
      assertTrue(String.valueOf(failure.getMessage()).contains("poison 66"));
      Inference alone = engine.infer(Scripts.item(12, 13, 10));
      for (int u = 0; u < 3; u++) {
        assertEquals(alone.logits(u), answers.get(2).join().logits(u));
      }
      assertEquals(2, answers.get(0).join().units());
    }
    assertEquals(0, model.openHandles.get());
    assertEquals(0, model.openStates.get());
  }

  @Test
  void anItemThatFailsInALaterStageLeavesItsCompanionsAlone() {
    model.before =
        batch -> {
          boolean poisoned =
              batch.spans().stream().anyMatch(span -> span.rows().event(0).token(0) == 66);
          if (batch.slot() == 1 && poisoned) {
            throw new IllegalStateException("no memory");
          }
        };
    try (Engine engine = open()) {
      List<CompletableFuture<Inference>> answers =
          engine.submitAll(List.of(Scripts.item(12, 13), Scripts.item(66, 13), Scripts.item(22)));
      assertEquals(1, failure(answers.get(1)).stage());
      assertEquals(2, answers.get(0).join().exit(0));
      assertEquals(2, answers.get(2).join().exit(0));
      assertEquals(engine.infer(Scripts.item(12, 13)).flops(), answers.get(0).join().flops());
    }
    assertEquals(0, model.openStates.get());
  }

  @Test
  void aBatchThatBreaksWithAnErrorFailsWholeAndTheEngineLives() {
    boolean[] broken = new boolean[1];
    model.before =
        batch -> {
          if (!broken[0]) {
            broken[0] = true;
            throw new StackOverflowError("deep");
          }
        };
    try (Engine engine = open()) {
      ExecutionException failure = failure(engine.submit(Scripts.item(12)));
      assertInstanceOf(StackOverflowError.class, failure.getCause());
      assertEquals(0, failure.stage());
      assertEquals(2, engine.infer(Scripts.item(12)).exit(0));
    }
  }

  @Test
  void whatDoesNotFitTheModelFailsBeforeItWaits() {
    try (Engine engine = open()) {
      assertFails(engine, Event.ofTokens(1, 2, 1000), "event.token[2] 1000 is not in 0..999");
      assertFails(engine, Event.ofTokens(-1), "event.token[0] -1 is not in 0..999");
      assertFails(engine, Event.ofTokens(new int[21]), "event.rows 21 is not in 1..20");
      assertFails(engine, Event.ofFeatures(2, 1, 2), "the model takes token ids");
      assertFails(engine, Event.ofTokens(1).at(3), "event.firstPosition 3 is not 0");
      assertTrue(
          String.valueOf(
                  failure(engine.submit(Scripts.item(1).withPolicy(Policy.named("x").with("c", 1))))
                      .getMessage())
              .contains("exit \"c\" is not one of [a, b]"));
      assertTrue(
          String.valueOf(
                  failure(engine.submit(Scripts.item(1).withForcedExits(List.of(3)))).getMessage())
              .contains("item.forcedExits 3 is not in 0..2"));
      assertTrue(
          String.valueOf(
                  failure(engine.submit(Scripts.item(1).withForcedExits(List.of(1, 1))))
                      .getMessage())
              .contains("item.forcedExits.size 2 is not in 1..1"));
    }
    assertEquals(List.of(), model.calls);
  }

  @Test
  void anEmptyEventCannotExist() {
    DescriptionException empty = assertThrows(DescriptionException.class, () -> Event.ofTokens());
    assertEquals("event.tokens.length 0 is below 1", empty.getMessage());
  }

  @Test
  void aPolicyForAnExitThatTheModelLacksIsRefused() {
    Policy wrong = Policy.named("wrong").with("c", 0.5);
    assertThrows(DescriptionException.class, () -> Engine.open(model, wrong));
    try (Engine engine = open()) {
      assertThrows(DescriptionException.class, () -> engine.policy(wrong));
    }
  }

  /** Behind each failure, the lane that heard it answers another item. */
  @Test
  void aListenerThatThrowsHarmsNobody() {
    for (Throwable thrown :
        List.of(new IllegalStateException("listener"), new StackOverflowError("listener"))) {
      EngineListener throwing =
          new EngineListener() {
            @Override
            public void batch(Batch batch) {
              sneak(thrown);
            }

            @Override
            public void serves(String version, ModelSpec spec, boolean trace) {
              sneak(thrown);
            }

            @Override
            public void completed(
                String version, String policy, Outcome outcome, long flops, long full, long nanos) {
              sneak(thrown);
            }
          };
      EngineOptions options = EngineOptions.defaults().withLanes(1);
      ScriptedModel heard = new ScriptedModel(Scripts.causal());
      heard.poison = 66;
      try (Engine engine = Engine.open(heard, Scripts.both(), options, throwing)) {
        assertEquals(0, soon(engine, 10).join().exit(0));
        assertTrue(failure(soon(engine, 66)).getMessage().contains("poison 66"));
        engine.submit(Scripts.item(12)).cancel(true);
        assertEquals(2, soon(engine, 12).join().exit(0));
      }
      assertEquals(0, heard.openStates.get());
    }
  }

  /** A lane that is dead answers nothing. */
  private static CompletableFuture<Inference> soon(Engine engine, int token) {
    return engine.submit(Scripts.item(token)).copy().orTimeout(10, TimeUnit.SECONDS);
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable thrown) throws T {
    throw (T) thrown;
  }

  @Test
  void anUnknownBackendIsRefusedWithTheNamesThatExist() {
    DescriptionException unknown =
        assertThrows(DescriptionException.class, () -> Backends.named("nope"));
    assertTrue(String.valueOf(unknown.getMessage()).contains("backend \"nope\""));
  }

  private Engine open() {
    return Engine.open(
        model,
        Scripts.both(),
        EngineOptions.defaults().withBatchRows(5).withLinger(Duration.ofMillis(100)));
  }

  private static void assertFails(Engine engine, Event event, String words) {
    String message = String.valueOf(failure(engine.submit(Item.of("bad", event))).getMessage());
    assertTrue(message.contains(words) && message.contains("\"bad\""), message);
  }

  private static ExecutionException failure(CompletableFuture<Inference> answer) {
    return assertInstanceOf(
        ExecutionException.class, assertThrows(CompletionException.class, answer::join).getCause());
  }
}
