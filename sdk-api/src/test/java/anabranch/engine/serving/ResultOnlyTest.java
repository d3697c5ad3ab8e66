package anabranch.engine.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.Engine;
import anabranch.engine.EngineListener;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Policy;
import anabranch.engine.ScriptedModel;
import anabranch.engine.Scripts;
import anabranch.engine.schedule.Mode;
import anabranch.model.ModelSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What modes without savings answer. */
@Timeout(60)
class ResultOnlyTest {
  private static final EngineOptions RESULT_ONLY =
      EngineOptions.defaults().withMode(Mode.RESULT_ONLY).withBatchRows(7);

  /** Q11: whatever policy the engine and the item have. */
  @Test
  void nothingLeavesInModeFull() {
    EngineOptions full = EngineOptions.defaults().withMode(Mode.FULL);
    try (Engine engine = Engine.open(new ScriptedModel(Scripts.causal()), Scripts.both(), full)) {
      Inference answer = engine.infer(Scripts.item(10, 11).withPolicy(Scripts.both()));
      assertEquals(2, answer.exit(0));
      assertEquals("full-depth", answer.policy());
      assertEquals(answer.fullFlops(), answer.flops());
    }
  }

  /** Q12. */
  @Test
  void whereRowsDoNotReadEachOtherTheAnswersAreThoseOfOtherModes() {
    for (ModelSpec spec : List.of(Scripts.tokenwise(), Scripts.classifier())) {
      List<Inference> compact = answers(spec, EngineOptions.defaults().withMode(Mode.COMPACT));
      List<Inference> resultOnly = answers(spec, RESULT_ONLY);
      for (int i = 0; i < compact.size(); i++) {
        for (int unit = 0; unit < compact.get(i).units(); unit++) {
          assertArrayEquals(logits(compact.get(i), unit), logits(resultOnly.get(i), unit));
          assertEquals(compact.get(i).exit(unit), resultOnly.get(i).exit(unit));
          assertEquals(compact.get(i).depth(unit), resultOnly.get(i).depth(unit));
        }
      }
    }
  }

  private static List<Inference> answers(ModelSpec spec, EngineOptions options) {
    ScriptedModel model = new ScriptedModel(spec);
    SplittableRandom random = new SplittableRandom(5);
    List<CompletableFuture<Inference>> open = new ArrayList<>();
    try (Engine engine = Engine.open(model, Scripts.both(), options)) {
      for (int n = 0; n < 60; n++) {
        int[] tokens = new int[1 + random.nextInt(4)];
        Arrays.setAll(tokens, i -> 10 * (1 + random.nextInt(5)) + random.nextInt(4));
        open.add(engine.submit(Scripts.item(tokens)));
      }
    }
    assertEquals(0, model.openHandles.get(), "handles");
    assertEquals(0, model.openStates.get(), "states");
    return open.stream().map(CompletableFuture::join).toList();
  }

  /** Q12: a row says what it says when it alone is forced to leave, and the others never do. */
  @Test
  void aRowThatOthersReadIsAnsweredAmongRowsThatRunToTheEnd() {
    int[] tokens = {12, 10, 21, 30, 42, 11};
    try (Engine early =
            Engine.open(new ScriptedModel(Scripts.causal()), Scripts.both(), RESULT_ONLY);
        Engine forced = Engine.open(new ScriptedModel(Scripts.causal()), Policy.fullDepth())) {
      Inference answer = early.infer(Scripts.item(tokens));
      for (int row = 0; row < tokens.length; row++) {
        assertEquals(tokens[row] % 10, answer.exit(row));
        List<Integer> exits = new ArrayList<>(Collections.nCopies(tokens.length, 2));
        exits.set(row, answer.exit(row));
        Inference alone = forced.infer(Scripts.item(tokens).withForcedExits(exits));
        assertArrayEquals(logits(alone, row), logits(answer, row), "row " + row);
      }
    }
  }

  /** Q12: the answer is there while the last step still runs, and is compared behind it. */
  @Test
  void answersComeBeforeTheEndAndAreComparedThere() {
    ScriptedModel model = new ScriptedModel(Scripts.tokenwise());
    CountDownLatch answered = new CountDownLatch(1);
    model.before =
        batch -> {
          if (batch.slot() == 2) {
            Scripts.await(answered);
          }
        };
    List<EngineListener.Batch> batches = Collections.synchronizedList(new ArrayList<>());
    try (Engine engine = Engine.open(model, Scripts.both(), RESULT_ONLY, batches::add)) {
      Inference answer = engine.infer(Scripts.item(10, 11));
      assertEquals(0, answer.exit(0));
      assertEquals(1, answer.exit(1));
      answered.countDown();
    }
    assertEquals(List.of(1, 1, 0), batches.stream().map(EngineListener.Batch::left).toList());
    assertEquals(List.of(0, 0, 2), batches.stream().map(EngineListener.Batch::audited).toList());
    // Behind step s the logits are (h, s): 10 at step 0 and 12 at step 2 name the first class.
    assertEquals(0, batches.get(2).disagreed());
  }

  /** Q12: behind step 0 the logits are (1, 0), at the end (3, 20). */
  @Test
  void disagreementIsCounted() {
    ScriptedModel model = new ScriptedModel(Scripts.tokenwise());
    model.tilt = 10;
    List<EngineListener.Batch> batches = Collections.synchronizedList(new ArrayList<>());
    try (Engine engine = Engine.open(model, Scripts.both(), RESULT_ONLY, batches::add)) {
      assertEquals(0, engine.infer(Scripts.item(0)).label(0));
    }
    assertEquals(1, batches.get(2).audited());
    assertEquals(1, batches.get(2).disagreed());
    assertTrue(model.closed);
  }

  private static float[] logits(Inference inference, int unit) {
    float[] logits = new float[inference.outputs()];
    inference.logits(unit).get(logits);
    return logits;
  }
}
