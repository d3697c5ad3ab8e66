package anabranch.engine.serving;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.StateImage;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Policy;
import anabranch.engine.ScriptedModel;
import anabranch.engine.Scripts;
import anabranch.engine.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Models are exchanged while items are on their way. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SwapTest {
  private static ScriptedModel model(int tilt) {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    model.tilt = tilt;
    model.strict = true;
    return model;
  }

  /** Q14: the second logit of an answer at the last step is twice the number of its model. */
  @Test
  void everyItemIsAnsweredByOneModelThatItNames() throws Exception {
    List<ScriptedModel> models = new ArrayList<>(List.of(model(0)));
    List<CompletableFuture<Void>> gone = new ArrayList<>();
    List<CompletableFuture<Inference>> answers = new ArrayList<>();
    AtomicBoolean swapping = new AtomicBoolean(true);
    try (Engine engine =
        Engine.open(models.get(0), Scripts.both(), EngineOptions.defaults().withBatchRows(3))) {
      assertEquals("script", engine.version());
      Thread submitter =
          new Thread(
              () -> {
                while (swapping.get() || answers.size() < 500) {
                  answers.add(engine.submit(Scripts.item(12, 10, 13)));
                }
              });
      submitter.start();
      for (int n = 1; n <= 20; n++) {
        models.add(model(n));
        gone.add(engine.swap("v" + n, models.get(n), Scripts.both()));
        Thread.sleep(2);
      }
      swapping.set(false);
      submitter.join();
      for (CompletableFuture<Void> each : gone) {
        each.join();
      }
      assertEquals(20, models.stream().filter(model -> model.closed).count());
    }
    int asked = 0;
    for (CompletableFuture<Inference> each : answers) {
      Inference answer = each.join();
      int version =
          answer.version().equals("script") ? 0 : Integer.parseInt(answer.version().substring(1));
      assertEquals(2 * version, answer.logits(0).get(1), "row 0 of " + answer.version());
      assertEquals(2 * version, answer.logits(2).get(1), "row 2 of " + answer.version());
      asked++;
    }
    int ran = 0;
    for (ScriptedModel model : models) {
      assertEquals(0, model.openHandles.get());
      assertEquals(0, model.openStates.get());
      for (String call : model.calls) {
        ran += call.startsWith("S0") ? call.split("L\\*0,", -1).length - 1 : 0;
      }
    }
    assertEquals(asked, ran, "none lost, none doubled");
  }

  /** Q14. */
  @Test
  void aSequenceStaysWithTheModelThatItBeganWith() {
    ScriptedModel first = model(1);
    ScriptedModel second = model(5);
    try (Engine engine = Engine.open(first, Scripts.both());
        Sequence sequence = engine.begin("s")) {
      sequence.submit(Event.ofTokens(12)).join();
      CompletableFuture<Void> gone = engine.swap("second", second, Policy.fullDepth());
      Inference next = sequence.submit(Event.ofTokens(12)).join();
      assertEquals("script", next.version());
      assertEquals("script", sequence.version());
      assertEquals(2, next.logits(0).get(1));
      Inference item = engine.infer(Scripts.item(10));
      assertEquals("second", item.version());
      assertEquals("full-depth", item.policy());
      assertFalse(gone.isDone());
      assertFalse(first.closed);
      sequence.close();
      gone.join();
      assertTrue(first.closed);
      assertFalse(second.closed);
    }
    assertTrue(second.closed);
  }

  @Test
  void whatDoesNotFitChangesNothing() {
    ScriptedModel first = model(1);
    ScriptedModel second = model(2);
    Engine engine = Engine.open(first, Scripts.both());
    assertRefused(
        "engine.version \"script\" is in service already",
        () -> engine.swap("script", second, Scripts.both()));
    assertThrows(
        Exception.class, () -> engine.swap("v", second, Policy.named("odd").with("none", 1)));
    assertEquals("script", engine.version());
    assertFalse(second.closed);
    engine.close();
    assertThrows(IllegalStateException.class, () -> engine.swap("late", second, Scripts.both()));
    assertFalse(second.closed);
  }

  /** Q14: a sequence that begins while its model is swapped has a model that is open. */
  @Test
  void aModelStaysOpenWhileASequenceOfItBegins() {
    ScriptedModel first = model(1);
    List<CompletableFuture<Void>> gone = new ArrayList<>();
    try (Engine engine = Engine.open(first, Scripts.both())) {
      Sequence origin = engine.begin("origin");
      origin.submit(Event.ofTokens(12)).join();
      StateImage image = origin.image(0).join();
      origin.close();
      first.restoring = () -> gone.add(engine.swap("second", model(2), Scripts.both()));
      try (Sequence again = engine.resume("again", image)) {
        Inference next = again.submit(Event.ofTokens(12)).join();
        assertEquals(1, next.positions()[0]);
        assertEquals("script", next.version());
        assertFalse(gone.get(0).isDone());
      }
      gone.get(0).join();
      assertTrue(first.closed);
    }
  }
}
