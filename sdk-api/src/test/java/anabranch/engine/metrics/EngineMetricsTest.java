package anabranch.engine.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.Trace;
import anabranch.engine.Engine;
import anabranch.engine.EngineListener;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.engine.ScriptedModel;
import anabranch.engine.Scripts;
import anabranch.engine.Sequence;
import anabranch.engine.schedule.Mode;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EngineMetricsTest {
  private static final EngineOptions OPTIONS = EngineOptions.defaults().withBatchRows(7);

  /** M4: what batches cost is what answers cost, and what full depth would. */
  @Test
  void flopsOfBatchesAreThoseOfAnswers() {
    List<ModelSpec> specs =
        new ArrayList<>(
            List.of(
                Scripts.causal(),
                Scripts.bidirectional(),
                Scripts.classifier(),
                Scripts.tokenwise()));
    for (Bypass bypass : List.of(Bypass.MASK, Bypass.DEFER_RECOMPUTE, Bypass.FREEZE_SHARE_KV)) {
      specs.add(Scripts.exits(Scripts.CAUSAL, Head.Pool.EACH, bypass));
    }
    for (ModelSpec spec : specs) {
      for (Mode mode : List.of(Mode.FULL, Mode.COMPACT, Mode.ADAPTIVE)) {
        EngineMetrics metrics = new EngineMetrics();
        List<Inference> answers = answers(spec, OPTIONS.withMode(mode).withLanes(2), metrics);
        Snapshot.Model model = metrics.snapshot().models().get(0);
        assertEquals(
            answers.stream().mapToLong(Inference::flops).sum(),
            model.flops().executed(),
            mode + "");
        assertEquals(answers.stream().mapToLong(Inference::fullFlops).sum(), model.flops().full());
        assertEquals(0, model.flops().fills() + model.flops().shadow());
        assertEquals(answers.size(), model.items().answered());
        assertEquals(answers.size(), model.depth().count());
        exits(answers, model);
        assertEquals(mode == Mode.FULL, model.flops().saved() == 0, mode + " saves");
      }
    }
  }

  private static void exits(List<Inference> answers, Snapshot.Model model) {
    long[] exits = new long[model.steps().size()];
    for (Inference answer : answers) {
      for (int unit = 0; unit < answer.units(); unit++) {
        exits[answer.exit(unit)]++;
      }
    }
    assertEquals(
        Arrays.stream(exits).boxed().toList(),
        model.steps().stream().map(Snapshot.Step::left).toList());
  }

  private static List<Inference> answers(
      ModelSpec spec, EngineOptions options, EngineMetrics metrics) {
    SplittableRandom random = new SplittableRandom(11);
    List<CompletableFuture<Inference>> open = new ArrayList<>();
    try (Engine engine = Engine.open(new ScriptedModel(spec), Scripts.both(), options, metrics)) {
      for (int n = 0; n < 80; n++) {
        int[] tokens = new int[1 + random.nextInt(6)];
        Arrays.setAll(tokens, i -> 10 * (1 + random.nextInt(5)) + random.nextInt(4));
        open.add(engine.submit(Scripts.item(tokens)));
      }
    }
    return open.stream().map(CompletableFuture::join).toList();
  }

  /** M3: a sequence told row by row costs the same, and owes what a whole item does at once. */
  @Test
  void whatEarlierEventsOweStandsApart() {
    int[] tokens = {10, 12, 11, 20, 22, 31, 42};
    EngineMetrics whole = new EngineMetrics();
    try (Engine engine =
        Engine.open(new ScriptedModel(Scripts.causal()), Scripts.both(), OPTIONS, whole)) {
      engine.infer(Scripts.item(tokens));
    }
    EngineMetrics parts = new EngineMetrics();
    try (Engine engine =
        Engine.open(new ScriptedModel(Scripts.causal()), Scripts.both(), OPTIONS, parts)) {
      Sequence sequence = engine.begin("s");
      for (int token : tokens) {
        sequence.submit(Event.ofTokens(token)).join();
      }
      sequence.settle().join();
    }
    Snapshot.Model one = whole.snapshot().models().get(0);
    Snapshot.Model many = parts.snapshot().models().get(0);
    assertEquals(one.flops().blocks(), many.flops().blocks());
    assertEquals(one.flops().heads(), many.flops().heads());
    assertEquals(0, one.flops().fills());
    assertTrue(one.flops().frozen() > 0, "frozen rows of a whole item");
    assertEquals(0, many.flops().frozen());
    assertTrue(many.flops().fills() > 0, "fills of a sequence");
    for (int step = 0; step < 3; step++) {
      assertEquals(one.steps().get(step).live(), many.steps().get(step).live(), "step " + step);
    }
    // Rows 0 and 3 leave behind step 0, rows 2 and 5 behind step 1.
    assertEquals(List.of(0L, 2L, 4L), many.steps().stream().map(Snapshot.Step::fills).toList());
  }

  /** M3: rows that run on for comparison cost the primary series nothing. */
  @Test
  void whatIsOnlyComparedStandsApart() {
    EngineMetrics compact = new EngineMetrics();
    answers(Scripts.tokenwise(), OPTIONS.withMode(Mode.COMPACT), compact);
    EngineMetrics resultOnly = new EngineMetrics();
    answers(Scripts.tokenwise(), OPTIONS.withMode(Mode.RESULT_ONLY), resultOnly);
    Snapshot.Model plain = compact.snapshot().models().get(0);
    Snapshot.Model compared = resultOnly.snapshot().models().get(0);
    assertEquals(plain.flops().blocks(), compared.flops().blocks());
    assertEquals(plain.flops().heads(), compared.flops().heads());
    assertEquals(plain.flops().saved(), compared.flops().saved());
    assertTrue(compared.flops().shadow() > 0, "shadow");
    long early = compared.steps().get(0).left() + compared.steps().get(1).left();
    assertEquals(early, compared.audited());
    assertEquals(
        plain.steps().stream().map(Snapshot.Step::left).toList(),
        compared.steps().stream().map(Snapshot.Step::left).toList());
  }

  /** M3. */
  @Test
  void aBatchOfFillsAloneHasNeitherSizeNorWaitNorDuration() {
    EngineMetrics metrics = new EngineMetrics();
    metrics.serves("script", Scripts.tokenwise(), false);
    EngineListener.Share none = new EngineListener.Share(0, 0);
    EngineListener.Share fills = new EngineListener.Share(3, 30);
    metrics.batch(
        Batches.batch(
            3,
            0,
            new EngineListener.Work(none, none, fills, none, 0, 0, new BitSet()),
            Trace.none()));
    Snapshot.Step step = metrics.snapshot().models().get(0).steps().get(0);
    assertEquals(3, step.fills());
    assertEquals(0, step.live());
    assertEquals(0, step.rows().count() + step.waited().count() + step.duration().count());
  }

  /** M5: answered, failed, cancelled while it waits or runs, left behind when the engine closes. */
  @Test
  void everyItemIsCountedOnce() {
    for (int round = 0; round < 25; round++) {
      count(new SplittableRandom(round), "round " + round);
    }
  }

  private static void count(SplittableRandom random, String round) {
    EngineMetrics metrics = new EngineMetrics();
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    model.poison = 666;
    List<CompletableFuture<Inference>> all = new ArrayList<>();
    Engine engine = Engine.open(model, Scripts.both(), OPTIONS.withLanes(3), metrics);
    for (int n = 0; n < 600; n++) {
      boolean bad = random.nextInt(7) == 0;
      all.add(engine.submit(Scripts.item(bad ? 666 : 10 + random.nextInt(4), 20)));
      if (random.nextInt(5) == 0) {
        all.get(random.nextInt(all.size())).cancel(true);
      }
    }
    engine.close(Duration.ZERO);
    // Closing waits for no batch that runs: its answers may come later, but they come.
    all.forEach(answer -> answer.handle((inference, failure) -> failure).join());
    Snapshot.Items items = metrics.snapshot().models().get(0).items();
    long cancelled = all.stream().filter(CompletableFuture::isCancelled).count();
    long failed =
        all.stream().filter(CompletableFuture::isCompletedExceptionally).count() - cancelled;
    assertTrue(cancelled > 0 && failed > 0, round + ": " + items);
    assertEquals(
        new Snapshot.Items(all.size() - cancelled - failed, failed, cancelled), items, round);
  }

  @Test
  void unitsThatWereToldToLeaveAreCounted() {
    EngineMetrics metrics = new EngineMetrics();
    try (Engine engine =
        Engine.open(new ScriptedModel(Scripts.causal()), Scripts.both(), OPTIONS, metrics)) {
      engine.infer(Scripts.item(12, 11, 19).withForcedExits(List.of(0, 0, 2)));
      engine.infer(Scripts.item(10, 29));
    }
    List<Snapshot.Step> steps = metrics.snapshot().models().get(0).steps();
    assertEquals(List.of(3L, 0L, 2L), steps.stream().map(Snapshot.Step::left).toList());
    assertEquals(List.of(2L, 0L, 0L), steps.stream().map(Snapshot.Step::forced).toList());
    assertEquals(List.of(1L, 1L, 0L), steps.stream().map(Snapshot.Step::invalid).toList());
  }

  /** A prune that keeps half of four rows drops two. */
  @Test
  void rowsThatWereDroppedAreCounted() {
    ModelSpec spec =
        Scripts.spec(
            Head.Pool.MEAN,
            Plan.builder()
                .add(Scripts.block(Scripts.FULL))
                .add(new Prune("thin", Criterion.Score.ATTENTION_RECEIVED, List.of()))
                .add(Scripts.block(Scripts.FULL))
                .build());
    EngineMetrics metrics = new EngineMetrics();
    Policy half = Policy.named("half").with("thin", 0.5);
    try (Engine engine = Engine.open(new ScriptedModel(spec), half, OPTIONS, metrics)) {
      engine.infer(Scripts.item(10, 20, 11, 13));
    }
    List<Snapshot.Step> steps = metrics.snapshot().models().get(0).steps();
    assertEquals(List.of(2L, 0L), steps.stream().map(Snapshot.Step::pruned).toList());
    assertEquals(List.of(4L, 2L), steps.stream().map(Snapshot.Step::live).toList());
  }

  /** M2: by names that callers choose, too. */
  @Test
  void versionsAndPoliciesBeyondTheBoundAreNotToldApart() {
    EngineMetrics metrics = new EngineMetrics();
    for (int v = 0; v < 100; v++) {
      metrics.serves("v" + v, Scripts.causal(), false);
    }
    for (int p = 0; p < 100; p++) {
      metrics.completed("v99", "p" + p, EngineListener.Outcome.ANSWERED, 1, 2, 3);
    }
    List<Snapshot.Model> models = metrics.snapshot().models();
    assertEquals(
        List.of("v96", "v97", "v98", "v99"), models.stream().map(Snapshot.Model::version).toList());
    assertEquals(EngineMetrics.POLICIES + 1, models.get(3).policies().size());
    assertEquals(
        100 - EngineMetrics.POLICIES, models.get(3).policies().get(ModelCounts.OTHER).answered());
  }

  @Test
  void aSwappedModelKeepsItsCountsAndTheNextHasItsOwn() {
    EngineMetrics metrics = new EngineMetrics();
    try (Engine engine =
        Engine.open(new ScriptedModel(Scripts.causal()), Scripts.both(), OPTIONS, metrics)) {
      engine.infer(Scripts.item(10));
      engine.swap("next", new ScriptedModel(Scripts.tokenwise()), Scripts.both()).join();
      engine.infer(Scripts.item(10));
      engine.infer(Scripts.item(11));
    }
    assertEquals(
        List.of(1L, 2L),
        metrics.snapshot().models().stream().map(model -> model.items().answered()).toList());
    String text = metrics.snapshot().toString();
    assertTrue(text.contains("model next: 2 answered, 0 failed, 0 cancelled"), text);
  }

  @Test
  void aListenerThatThrowsDisturbsNobody() {
    EngineListener broken =
        new EngineListener() {
          @Override
          public void batch(Batch batch) {
            throw new IllegalStateException("batch");
          }

          @Override
          public void serves(String version, ModelSpec spec, boolean trace) {
            throw new IllegalStateException("serves");
          }

          @Override
          public void completed(
              String version, String policy, Outcome outcome, long flops, long full, long nanos) {
            throw new IllegalStateException("completed");
          }
        };
    try (Engine engine =
        Engine.open(new ScriptedModel(Scripts.causal()), Scripts.both(), OPTIONS, broken)) {
      assertEquals(0, engine.infer(Scripts.item(10)).exit(0));
      assertTrue(engine.submit(Item.of("x", Event.ofTokens(12))).join().exit(0) == 2);
    }
  }

  /** M3: a fill or a row that is compared would be counted by its expert otherwise. */
  @Test
  void onlyOwnRowsAreLoadOfAnExpert() {
    ModelSpec spec = Batches.mixtureWithExit();
    EngineMetrics metrics = new EngineMetrics();
    List<Inference> answers =
        answers(spec, OPTIONS.withMode(Mode.RESULT_ONLY).withTrace(true), metrics);
    Snapshot.Model model = metrics.snapshot().models().get(0);
    long units = answers.stream().mapToLong(Inference::units).sum();
    long first = model.steps().get(0).left();
    long second = model.steps().get(1).left();
    assertTrue(first > 0 && second > 0 && first + second < units, first + " and " + second);
    // The scripted model says that every row of step s saw expert s.
    assertEquals(List.of(units, 0L, 0L, 0L), model.layers().get(0).tokens());
    assertEquals(List.of(0L, units - first, 0L, 0L), model.layers().get(1).tokens());
    assertEquals(List.of(0L, 0L, units - first - second, 0L), model.layers().get(2).tokens());
  }
}
