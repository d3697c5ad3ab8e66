package anabranch.engine.serving;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.StateImage;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.ScriptedModel;
import anabranch.engine.Scripts;
import anabranch.engine.Sequence;
import anabranch.engine.schedule.Mode;
import anabranch.error.ExecutionException;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SequenceTest {
  private static final EngineOptions DEFAULTS = EngineOptions.defaults();

  /** S11, Q2: whatever the bypass, the mode, the batches, the lanes and the bound on fills. */
  @Test
  void eventsAreAnsweredAsIfTheWholeHadComeAtOnce() throws Exception {
    List<ModelSpec> specs = new ArrayList<>();
    for (Bypass bypass :
        List.of(
            Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV, Bypass.DEFER_RECOMPUTE, Bypass.MASK)) {
      specs.add(Scripts.exits(Scripts.CAUSAL, Head.Pool.EACH, bypass));
    }
    specs.add(Scripts.tokenwise());
    specs.add(looping(Bypass.FREEZE_PROJECT, Bypass.FREEZE_PROJECT));
    specs.add(looping(Bypass.FREEZE_PROJECT, Bypass.MASK));
    specs.add(looping(Bypass.DEFER_RECOMPUTE, Bypass.FREEZE_PROJECT));
    for (ModelSpec spec : specs) {
      for (Mode mode : List.of(Mode.COMPACT, Mode.ADAPTIVE, Mode.RESULT_ONLY, Mode.FULL)) {
        for (int lanes : new int[] {1, 3}) {
          for (long fillBytes : new long[] {0, 1 << 20}) {
            EngineOptions options =
                DEFAULTS
                    .withBatchRows(5)
                    .withMode(mode)
                    .withLanes(lanes)
                    .withBytes(1 << 20, fillBytes);
            splits(spec, options);
          }
        }
      }
    }
  }

  /** Steps: 0 exit a; 1, 2, 3 the loop; 4 exit b; 5 the end. */
  private static ModelSpec looping(Bypass exits, Bypass halts) {
    return Scripts.spec(
        Head.Pool.EACH,
        Plan.builder()
            .add(Scripts.block(Scripts.CAUSAL))
            .add(Scripts.exit("a", Head.Pool.EACH, Criterion.confidence(), exits))
            .add(Scripts.loop("again", 1, 3, Head.Pool.EACH, halts))
            .add(Scripts.block(Scripts.CAUSAL))
            .add(Scripts.exit("b", Head.Pool.EACH, Criterion.confidence(), exits))
            .add(Scripts.block(Scripts.CAUSAL))
            .build());
  }

  private static void splits(ModelSpec spec, EngineOptions options) throws Exception {
    ScriptedModel model = new ScriptedModel(spec);
    boolean loops = !spec.plan().all(Loop.class).isEmpty();
    Policy policy = loops ? Scripts.both().with("again", 0.5) : Scripts.both();
    SplittableRandom random = new SplittableRandom(options.hashCode());
    List<int[]> tokens = new ArrayList<>();
    for (int n = 0; n < 12; n++) {
      int[] all = new int[2 + random.nextInt(9)];
      Arrays.setAll(all, i -> 10 * (1 + random.nextInt(5)) + random.nextInt(5));
      tokens.add(all);
    }
    try (Engine engine = Engine.open(model, policy, options)) {
      List<Inference> whole = new ArrayList<>();
      for (int[] all : tokens) {
        whole.add(engine.infer(Item.of("whole", Event.ofTokens(all))));
      }
      List<Thread> callers = new ArrayList<>();
      List<Throwable> failures = new ArrayList<>();
      for (int n = 0; n < tokens.size(); n++) {
        int number = n;
        SplittableRandom own = random.split();
        Thread caller =
            new Thread(
                () -> alone(engine, "s" + number, tokens.get(number), whole.get(number), own));
        caller.setUncaughtExceptionHandler((thread, failure) -> failures.add(failure));
        callers.add(caller);
        caller.start();
      }
      for (Thread caller : callers) {
        caller.join();
      }
      if (!failures.isEmpty()) {
        throw new AssertionError(spec.plan() + " with " + options, failures.get(0));
      }
    }
    assertEquals(0, model.openHandles.get(), "handles");
    assertEquals(0, model.openStates.get(), "states");
    assertTrue(model.closed);
  }

  /** Sends a sequence in pieces, some at once, some after an answer, and compares. */
  private static void alone(
      Engine engine, String id, int[] tokens, Inference whole, SplittableRandom random) {
    List<CompletableFuture<Inference>> answers = new ArrayList<>();
    try (Sequence sequence = engine.begin(id)) {
      for (int from = 0; from < tokens.length; ) {
        int to = Math.min(tokens.length, from + 1 + random.nextInt(3));
        answers.add(sequence.submit(Event.ofTokens(Arrays.copyOfRange(tokens, from, to))));
        from = to;
        int then = random.nextInt(4);
        if (then == 0) {
          answers.get(answers.size() - 1).join();
        } else if (then == 1) {
          sequence.settle().join();
        }
      }
      answers.forEach(CompletableFuture::join);
      assertEquals(tokens.length, sequence.fork("fork").thenApply(SequenceTest::end).join());
    }
    int row = 0;
    for (CompletableFuture<Inference> answer : answers) {
      Inference inference = answer.join();
      for (int unit = 0; unit < inference.units(); unit++, row++) {
        String what = id + " row " + row;
        assertEquals(whole.exit(row), inference.exit(unit), what);
        assertEquals(whole.depth(row), inference.depth(unit), what);
        assertEquals(row, inference.positions()[unit], what);
        assertArrayEquals(logits(whole, row), logits(inference, unit), what);
      }
    }
    assertEquals(tokens.length, row);
  }

  private static int end(Sequence fork) {
    try (fork) {
      return fork.length();
    }
  }

  private static float[] logits(Inference inference, int unit) {
    float[] logits = new float[inference.outputs()];
    inference.logits(unit).get(logits);
    return logits;
  }

  /** S7: what left early is in every slot once the sequence is settled, and not before. */
  @Test
  void whatLeftEarlyWaitsUntilSomebodyAsks() {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    try (Engine engine = Engine.open(model, Scripts.both());
        Sequence sequence = engine.begin("s")) {
      sequence.submit(Event.ofTokens(10, 20)).join();
      sequence.submit(Event.ofTokens(30)).join();
      assertEquals(List.of("S0 L*0,L*1,", "S0 L*2,"), model.calls);
      StateImage image = sequence.image(0).join();
      assertEquals(List.of("S0 L*0,L*1,", "S0 L*2,", "S1 F0,F1,F2,", "S2 F0,F1,F2,"), model.calls);
      assertEquals(List.of(36, 36, 36), sizes(image));
      Inference direct = sequence.submit(Event.ofTokens(42)).join();
      try (Sequence again = engine.resume("again", image)) {
        assertEquals(3, again.length());
        Inference resumed = again.submit(Event.ofTokens(42)).join();
        assertArrayEquals(logits(direct, 0), logits(resumed, 0));
        assertEquals("again", resumed.item());
      }
    }
    assertEquals(0, model.openStates.get());
  }

  /** A key of twelve bytes in each of the three steps, once it ran there. */
  @Test
  void aSequenceSaysHowManyBytesItsStateHeldWhenNothingRan() {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    try (Engine engine = Engine.open(model, Scripts.both())) {
      Sequence sequence = engine.begin("s");
      assertEquals(0, sequence.bytes());
      sequence.submit(Event.ofTokens(12, 22)).join();
      StateImage image = sequence.image(0).join();
      assertEquals(72, sequence.bytes());
      try (Sequence again = engine.resume("again", image)) {
        assertEquals(72, again.bytes());
        again.submit(Event.ofTokens(10)).join();
        again.settle().join();
        assertEquals(108, again.bytes());
        assertEquals(72, sequence.bytes());
      }
      sequence.close();
      assertEquals(0, sequence.bytes());
    }
  }

  private static List<Integer> sizes(StateImage image) {
    return image.pages().values().stream().map(page -> page.remaining()).toList();
  }

  /** Q10: fills ride along with a batch that runs anyway, and count in no bound on rows. */
  @Test
  void fillsRideAlongWithOthers() {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    EngineOptions tight = DEFAULTS.withBatchRows(1).withInFlightRows(1);
    try (Engine engine = Engine.open(model, Scripts.both(), tight);
        Sequence waiting = engine.begin("waiting");
        Sequence other = engine.begin("other")) {
      for (int n = 0; n < 4; n++) {
        waiting.submit(Event.ofTokens(10)).join();
      }
      model.calls.clear();
      other.submit(Event.ofTokens(11)).join();
      assertEquals(List.of("S0 L*0,", "S1 L*0, F0,F1,F2,F3,"), model.calls);
    }
  }

  /** Q10: more than the bound on bytes does not wait, though nobody else runs. */
  @Test
  void fillsThatHoldTooMuchRunAlone() {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    EngineOptions tight = DEFAULTS.withBytes(1, 8 * 4);
    try (Engine engine = Engine.open(model, Scripts.both(), tight);
        Sequence sequence = engine.begin("s")) {
      for (int n = 0; n < 5; n++) {
        sequence.submit(Event.ofTokens(10)).join();
      }
      sequence.settle().join();
      assertTrue(
          model.calls.stream().anyMatch("S1 F0,F1,F2,F3,F4,"::equals), model.calls::toString);
    }
    assertEquals(0, model.openHandles.get());
  }

  /** S12: the first step keeps all or nothing, so the sequence can go on. */
  @Test
  void anEventThatFailsInItsFirstStepChangesNothing() {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    model.poison = 13;
    try (Engine engine = Engine.open(model, Scripts.both());
        Sequence sequence = engine.begin("s")) {
      sequence.submit(Event.ofTokens(10)).join();
      CompletableFuture<Inference> bad = sequence.submit(Event.ofTokens(13));
      assertThrows(CompletionException.class, bad::join);
      assertEquals(1, sequence.length());
      assertEquals(1, sequence.submit(Event.ofTokens(12)).join().positions()[0]);
    }
  }

  /** S12. */
  @Test
  void anEventThatFailsLaterBreaksItsSequenceAndNoOther() {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    model.before =
        batch -> {
          if (batch.slot() == 1 && batch.spans().get(0).rows().event(0).token(0) == 12) {
            throw new IllegalStateException("step 1");
          }
        };
    try (Engine engine = Engine.open(model, Scripts.both());
        Sequence sequence = engine.begin("s");
        Sequence other = engine.begin("t")) {
      CompletableFuture<Inference> bad = sequence.submit(Event.ofTokens(12));
      CompletableFuture<Inference> next = sequence.submit(Event.ofTokens(10));
      CompletableFuture<Void> settled = sequence.settle();
      Throwable reason = assertThrows(CompletionException.class, bad::join).getCause();
      assertEquals(
          "item \"s\" in stage 1: java.lang.IllegalStateException: step 1", reason.getMessage());
      Throwable broken = assertThrows(CompletionException.class, next::join).getCause();
      assertEquals(
          "item \"s\": an event of the sequence ended between its first and its last step",
          broken.getMessage());
      assertThrows(CompletionException.class, settled::join);
      other.submit(Event.ofTokens(11)).join();
    }
    assertEquals(0, model.openStates.get());
    assertEquals(0, model.openHandles.get());
  }

  /** Q8: what waits for an earlier event is removed, what comes after it is not. */
  @Test
  void aCancelledEventThatWaitsIsAsIfItHadNotCome() throws InterruptedException {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    model.before =
        batch -> {
          started.countDown();
          Scripts.await(go);
        };
    try (Engine engine = Engine.open(model, Scripts.both());
        Sequence sequence = engine.begin("s")) {
      CompletableFuture<Inference> first = sequence.submit(Event.ofTokens(10));
      started.await();
      CompletableFuture<Inference> second = sequence.submit(Event.ofTokens(20));
      CompletableFuture<Inference> third = sequence.submit(Event.ofTokens(30));
      second.cancel(true);
      go.countDown();
      assertEquals(0, first.join().positions()[0]);
      assertEquals(1, third.join().positions()[0]);
    }
  }

  /** I8: the encoder reads once, before the first event. */
  @Test
  void theMemoryOfASequenceIsMadeOnce() {
    Plan encoder = Plan.builder().add(Scripts.block(Scripts.FULL)).build();
    ScriptedModel model = new ScriptedModel(Scripts.reading(Scripts.causal(), encoder));
    try (Engine engine = Engine.open(model, Scripts.both());
        Sequence sequence = engine.begin("s", Event.ofTokens(5, 6))) {
      Inference whole = engine.infer(Scripts.item(11, 12, 14).reading(Event.ofTokens(5, 6)));
      Inference first = sequence.submit(Event.ofTokens(11)).join();
      Inference second = sequence.submit(Event.ofTokens(12, 14)).join();
      assertArrayEquals(logits(whole, 0), logits(first, 0));
      assertArrayEquals(logits(whole, 2), logits(second, 1));
      assertEquals(2, model.memories.size());
      assertEquals(0, first.memoryExit());
      assertEquals(-1, second.memoryExit());
      assertRefused(
          "item.source is missing: the encoder of the model reads an event of its own",
          () -> engine.begin("t"));
    }
  }

  /** S11. */
  @Test
  void whatReadsLaterRowsHasNoSequences() {
    try (Engine engine =
        Engine.open(new ScriptedModel(Scripts.bidirectional()), Policy.fullDepth())) {
      assertRefused(
          "model \"script\" has attention to later rows in step 0: a sequence of it cannot go on"
              + " (rule S11)",
          () -> engine.begin("s"));
    }
  }

  /** S11. */
  @Test
  void aSequenceHasNoMoreRowsThanTheModelAllows() {
    try (Engine engine = Engine.open(new ScriptedModel(Scripts.causal()), Policy.fullDepth());
        Sequence sequence = engine.begin("s")) {
      sequence.submit(Event.ofTokens(new int[15])).join();
      CompletableFuture<Inference> more = sequence.submit(Event.ofTokens(new int[6]));
      Throwable reason = assertThrows(CompletionException.class, more::join).getCause();
      assertEquals(
          "item \"s\": event.rows 6 behind position 15 are more than the 20 rows that a sequence"
              + " may have (rule S11)",
          reason.getMessage());
      assertEquals(15, sequence.submit(Event.ofTokens(new int[5])).join().positions()[0]);
    }
  }

  @Test
  void aClosedSequenceRefusesAndFailsWhatWaits() throws InterruptedException {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    model.before =
        batch -> {
          started.countDown();
          Scripts.await(go);
        };
    try (Engine engine = Engine.open(model, Scripts.both())) {
      Sequence sequence = engine.begin("s");
      CompletableFuture<Inference> first = sequence.submit(Event.ofTokens(10));
      started.await();
      CompletableFuture<Inference> second = sequence.submit(Event.ofTokens(20));
      sequence.close();
      sequence.close();
      go.countDown();
      first.join();
      assertThrows(CompletionException.class, second::join);
      assertThrows(IllegalStateException.class, () -> sequence.submit(Event.ofTokens(1)));
      engine.infer(Scripts.item(11));
      assertEquals(0, model.openStates.get(), "closed while the engine is open");
    }
    assertEquals(0, model.openHandles.get());
  }

  @Test
  void failuresNameTheSequence() {
    try (Engine engine = Engine.open(new ScriptedModel(Scripts.causal()), Policy.fullDepth());
        Sequence sequence = engine.begin("s")) {
      CompletableFuture<Inference> bad = sequence.submit(Event.ofTokens(5000));
      Throwable reason = assertThrows(CompletionException.class, bad::join).getCause();
      assertTrue(reason instanceof ExecutionException);
      assertEquals("item \"s\": event.token[0] 5000 is not in 0..999", reason.getMessage());
      CompletableFuture<Inference> placed = sequence.submit(Event.ofTokens(5).at(3));
      assertThrows(CompletionException.class, placed::join);
    }
  }
}
