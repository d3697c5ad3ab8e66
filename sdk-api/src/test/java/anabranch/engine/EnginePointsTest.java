package anabranch.engine;

import static anabranch.model.plan.Head.Pool.EACH;
import static anabranch.model.plan.Head.Pool.FIRST;
import static anabranch.model.plan.Head.Pool.MEAN;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Operation;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the engine decides behind a step beside the comparison of a score. */
class EnginePointsTest {
  private static final Policy SAVING = Policy.named("saving");

  /** Steps: 0 prune; 1 exit a; 2 the end. */
  private static ModelSpec pruning() {
    return Scripts.spec(
        FIRST,
        Plan.builder()
            .add(Scripts.block(Scripts.FULL))
            .add(new Prune("thin", Criterion.Score.ATTENTION_RECEIVED, List.of(0)))
            .add(Scripts.block(Scripts.FULL))
            .add(Scripts.exit("a", FIRST, Criterion.confidence(), Bypass.TERMINATE))
            .add(Scripts.block(Scripts.FULL))
            .build());
  }

  @Test
  void aPruneKeepsTheShareOfRowsThatScoreBest() {
    ScriptedModel model = new ScriptedModel(pruning());
    model.score = (token, step) -> token % 10 == 9 ? Double.NaN : token % 10;
    Inference inference =
        infer(model, SAVING.with("thin", 0.5), Scripts.item(10, 25, 31, 45, 19, 59, 77));
    assertArrayEquals(new int[] {0, 1, 3, 6}, inference.positions(), "ceil(0.5 * 7) = 4 rows");
    assertEquals("S1 L0,L1,L3,L6,", model.calls.get(1));
    assertEquals("S2 L*0,L*1,L*3,L*6,", model.calls.get(2));
    Cost cost = Cost.of(pruning());
    long flops = 7 * cost.live(0, 0, 7, 0) + 7 * cost.head(0);
    flops += 4 * cost.live(1, 0, 4, 0) + 4 * cost.live(2, 0, 4, 0) + cost.head(2);
    assertEquals(flops, inference.flops(), "attention reads the rows that are left");
  }

  @Test
  void equalScoresArePrunedFromTheEndAndThoseThatAreNoNumbersFirst() {
    ScriptedModel model = new ScriptedModel(pruning());
    model.score = (token, step) -> token % 10 == 9 ? Double.NaN : token == 30 ? -0.0 : 0;
    Item item = Scripts.item(29, 39, 30, 40, 50);
    assertArrayEquals(
        new int[] {0, 2, 3}, infer(model, SAVING.with("thin", 0.6), item).positions());
    assertArrayEquals(
        new int[] {0, 1, 2, 3, 4}, infer(model, SAVING.with("thin", 1), item).positions());
    assertArrayEquals(
        new int[] {0}, infer(model, SAVING.with("thin", 1e-9), item).positions(), "one stays");
    model.score = (token, step) -> 35 - token;
    assertArrayEquals(
        new int[] {0, 1, 2}, infer(model, SAVING.with("thin", 0.6), item).positions());
  }

  @Test
  void withoutAThresholdAPruneAsksNobody() {
    ScriptedModel model = new ScriptedModel(pruning());
    Inference inference = infer(model, SAVING.with("a", 1), Scripts.item(11, 12));
    assertEquals(List.of("S0 L0,L1,", "S1 L*0,L*1,"), model.calls);
    assertArrayEquals(new int[] {0, 1}, inference.positions());
    assertEquals(1, inference.exit(0));
  }

  @Test
  void protectedPositionsStayEvenBeyondTheShare() {
    ModelSpec spec =
        Scripts.spec(
            MEAN,
            Plan.builder()
                .add(Scripts.block(Scripts.FULL))
                .add(new Prune("thin", Criterion.Score.LEARNED, List.of(1, 3, 7)))
                .add(Scripts.block(Scripts.FULL))
                .build());
    ScriptedModel model = new ScriptedModel(spec);
    model.score = (token, step) -> token;
    Item item = Scripts.item(50, 10, 40, 20, 30);
    assertArrayEquals(new int[] {1, 3}, infer(model, SAVING.with("thin", 0.2), item).positions());
    assertArrayEquals(
        new int[] {0, 1, 3}, infer(model, SAVING.with("thin", 0.6), item).positions());
  }

  /** Steps: exits at 0..3 and the end at 4. */
  private static ModelSpec patient(Head.Pool pool, Operation operation) {
    Bypass bypass = pool == EACH ? Bypass.FREEZE_PROJECT : Bypass.TERMINATE;
    Plan.Builder plan = Plan.builder();
    for (String id : List.of("p0", "p1", "other", "p2")) {
      Criterion criterion = id.equals("other") ? Criterion.confidence() : Criterion.patience();
      plan.add(Scripts.block(operation)).add(Scripts.exit(id, pool, criterion, bypass));
    }
    return Scripts.spec(pool, plan.add(Scripts.block(operation)).build());
  }

  @Test
  void patienceCountsEqualLabelsInARowFromZero() {
    ScriptedModel model = new ScriptedModel(patient(EACH, Scripts.CAUSAL));
    model.label = (token, step) -> token == 1 ? 7 : token == 2 ? step / 3 : step;
    Policy twice = SAVING.with("p1", 2).with("p2", 2);
    Inference inference = infer(model, twice, Scripts.item(1, 2, 3));
    assertEquals(List.of(3, 4, 4), exits(inference), "7,7,7 then 0,0,1 then 0,1,3");
    assertEquals(2, inference.score(0));
    assertTrue(Float.isNaN(inference.score(1)));
    Inference once = infer(model, SAVING.with("p1", 1), Scripts.item(1, 2, 3));
    assertEquals(List.of(1, 1, 4), exits(once));
    assertEquals(1, once.score(1));
    Inference late = infer(model, SAVING.with("p2", 1), Scripts.item(1, 2, 3));
    assertEquals(List.of(3, 4, 4), exits(late), "another label begins at 0 again");
  }

  @Test
  void earlierLabelsAreAskedForWhereALaterExitIsPatient() {
    ScriptedModel model = new ScriptedModel(patient(MEAN, Scripts.FULL));
    infer(model, SAVING.with("p1", 3), Scripts.item(1));
    assertEquals(List.of("S0 L*0,", "S1 L*0,", "S2 L0,", "S3 L0,", "S4 L*0,"), model.calls);
  }

  /** Steps: 0 choice; 1 exit first; 2 exit scored; 3 exit second; 4 the end. */
  private static ModelSpec choosing(Head.Pool pool, Head.Pool choice) {
    Bypass bypass = pool == EACH ? Bypass.FREEZE_PROJECT : Bypass.TERMINATE;
    Plan.Builder plan =
        Plan.builder()
            .add(Scripts.block(Scripts.CAUSAL))
            .add(new DepthChoice("where", DepthChoice.From.ROWS, choice, false));
    for (String id : List.of("first", "scored", "second")) {
      Criterion criterion = id.equals("scored") ? Criterion.confidence() : Criterion.chosen();
      plan.add(Scripts.block(Scripts.CAUSAL)).add(Scripts.exit(id, pool, criterion, bypass));
    }
    return Scripts.spec(pool, plan.add(Scripts.block(Scripts.CAUSAL)).build());
  }

  private static final Policy OBEY = SAVING.with("first", 1).with("second", 1);

  @Test
  void aRowLeavesWhereItsChoiceSaid() {
    ScriptedModel model = new ScriptedModel(choosing(EACH, EACH));
    model.score = (token, step) -> 0.5;
    model.label = (token, step) -> token / 100;
    Inference inference = infer(model, OBEY, Scripts.item(200, 100, 1));
    assertEquals(List.of(4, 3, 1), exits(inference));
    assertEquals(1, inference.score(2));
    assertEquals(
        List.of("S0 L*0,L*1,L*2,", "S1 L0,L1,L*2,", "S2 L0,L1,", "S3 L0,L*1,", "S4 L*0,"),
        model.calls,
        "heads run for those that leave");
  }

  @Test
  void aPooledChoiceHoldsForAllRows() {
    ScriptedModel model = new ScriptedModel(choosing(EACH, MEAN));
    model.score = (token, step) -> 0.5;
    model.label = (token, step) -> token / 100;
    assertEquals(List.of(3, 3, 3), exits(infer(model, OBEY, Scripts.item(100, 200, 1))));
  }

  @Test
  void aChosenExitWithoutThresholdNeverFires() {
    ScriptedModel model = new ScriptedModel(choosing(MEAN, MEAN));
    model.score = (token, step) -> 0.5;
    model.label = (token, step) -> 0;
    assertEquals(List.of(4), exits(infer(model, SAVING.with("second", 1), Scripts.item(1))));
    assertEquals(List.of(1), exits(infer(model, OBEY, Scripts.item(1))));
    model.calls.clear();
    assertEquals(List.of(4), exits(infer(model, SAVING, Scripts.item(1))));
    assertEquals("S0 L0,", model.calls.get(0), "a choice that nobody obeys asks nobody");
  }

  @Test
  void aChoiceWhoseScoreIsNoNumberChoosesTheEndAndIsCounted() {
    ScriptedModel model = new ScriptedModel(choosing(EACH, EACH));
    model.score = (token, step) -> Double.NaN;
    model.label = (token, step) -> 0;
    List<Integer> invalid = new ArrayList<>();
    try (Engine engine =
        Engine.open(model, OBEY, EngineOptions.defaults(), batch -> invalid.add(batch.invalid()))) {
      assertEquals(4, engine.infer(Scripts.item(1)).exit(0));
    }
    assertEquals(List.of(1, 0, 0, 0, 0), invalid);
  }

  @Test
  void forcedUnitsLeaveAtTheirStepWhateverWasChosenOrCounted() {
    ScriptedModel model = new ScriptedModel(choosing(EACH, EACH));
    model.label = (token, step) -> 0;
    Item forced = Scripts.item(1, 2, 3).withForcedExits(List.of(3, 1, 4));
    Inference inference = infer(model, OBEY, forced);
    assertEquals(List.of(3, 1, 4), exits(inference));
    assertTrue(Float.isNaN(inference.score(0)));
    ScriptedModel patient = new ScriptedModel(patient(EACH, Scripts.CAUSAL));
    Item late = Scripts.item(1, 2).withForcedExits(List.of(2, 3));
    assertEquals(List.of(2, 3), exits(infer(patient, SAVING.with("p1", 1), late)));
  }

  /** Steps: 0 passage; 1, 2, 3 the loop; 4 the end, with the block of the loop. */
  private static ModelSpec halting() {
    return Scripts.spec(
        MEAN,
        Plan.builder()
            .add(Scripts.block(Scripts.FULL))
            .add(Scripts.loop("again", 1, 3, MEAN, Bypass.TERMINATE))
            .add(Scripts.block(Scripts.FULL))
            .build());
  }

  @Test
  void wholeItemsJumpOutOfALoop() {
    Policy policy = SAVING.with("again", 0.5);
    for (int digit = 0; digit < 4; digit++) {
      ScriptedModel model = new ScriptedModel(halting());
      Inference inference = infer(model, policy, Scripts.item(10 + digit, 5));
      List<String> steps = new ArrayList<>(List.of("S0 L0,L1,", "S1 L*0,L*1,"));
      if (digit != 1) {
        steps.add("S2 L*0,L*1,");
      }
      if (digit != 1 && digit != 2) {
        steps.add("S3 L0,L1,");
      }
      steps.add("S4 L*0,L*1,");
      assertEquals(steps, model.calls);
      assertEquals(steps.size(), inference.depth(0));
      assertEquals(4, inference.exit(0));
    }
  }

  @Test
  void aForcedItemStillHaltsByItsPolicy() {
    ScriptedModel model = new ScriptedModel(halting());
    Item forced = Scripts.item(11).withForcedExits(List.of(4));
    assertEquals(3, infer(model, SAVING.with("again", 0.5), forced).depth(0));
    assertEquals(5, infer(model, SAVING, forced).depth(0));
  }

  @Test
  void itemsThatAreOutOfALoopGoOnWithoutTheOthers() {
    ScriptedModel model = new ScriptedModel(halting());
    EngineOptions together =
        EngineOptions.defaults().withBatchRows(2).withLinger(java.time.Duration.ofSeconds(50));
    List<Integer> left = new ArrayList<>();
    try (Engine engine =
        Engine.open(model, SAVING.with("again", 0.5), together, batch -> left.add(batch.left()))) {
      engine
          .submitAll(List.of(Scripts.item(11), Scripts.item(12)))
          .forEach(answer -> answer.join());
    }
    assertEquals(
        List.of("S0 L0, L0,", "S1 L*0, L*0,", "S4 L*0,", "S2 L*0,", "S4 L*0,"), model.calls);
    assertEquals(List.of(0, 1, 1, 1, 1), left);
  }

  @Test
  void blocksThatRunAgainAreCountedAndNamedEachTime() {
    Plan.Builder plan = Plan.builder().add(Scripts.block(Scripts.FULL));
    int second = plan.store(Scripts.block(Scripts.FULL));
    ModelSpec spec =
        Scripts.spec(
            MEAN,
            plan.add(new Loop(List.of(new Part.Run(second)), 2, null))
                .add(new Part.Mean(List.of(0, second)))
                .add(Scripts.exit("a", MEAN, Criterion.confidence(), Bypass.TERMINATE))
                .add(Scripts.block(Scripts.FULL))
                .build());
    ScriptedModel model = new ScriptedModel(spec);
    try (Engine engine = Engine.open(model, SAVING, EngineOptions.defaults().withTrace(true))) {
      Inference inference = engine.infer(Scripts.item(5, 6));
      assertEquals(6, inference.depth(0));
      assertEquals(
          List.of(
              "blocks.0.mixture#0",
              "blocks.1.mixture#0",
              "blocks.1.mixture#1",
              "blocks.0.mixture#1",
              "blocks.1.mixture#2",
              "blocks.2.mixture"),
          inference.choices().stream().map(choices -> choices.path()).toList());
      assertEquals(3, inference.choices().get(3).visit());
    }
  }

  @Test
  void aLoopThatEndsEarlyLeavesTheNumbersOfLaterRuns() {
    ScriptedModel model = new ScriptedModel(halting());
    try (Engine engine =
        Engine.open(model, SAVING.with("again", 0.5), EngineOptions.defaults().withTrace(true))) {
      assertEquals(
          List.of("blocks.0.mixture", "blocks.1.mixture#0", "blocks.1.mixture#3"),
          engine.infer(Scripts.item(11)).choices().stream()
              .map(choices -> choices.path())
              .toList());
    }
  }

  private static Inference infer(ScriptedModel model, Policy policy, Item item) {
    model.calls.clear();
    Inference inference;
    try (Engine engine = Engine.open(model, policy)) {
      inference = engine.infer(item);
    }
    assertEquals(0, model.openHandles.get(), "open handles");
    assertEquals(0, model.openStates.get(), "open states");
    return inference;
  }

  private static List<Integer> exits(Inference inference) {
    List<Integer> exits = new ArrayList<>();
    for (int u = 0; u < inference.units(); u++) {
      exits.add(inference.exit(u));
    }
    return exits;
  }
}
