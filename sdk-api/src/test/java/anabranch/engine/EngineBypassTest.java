package anabranch.engine;

import static anabranch.model.plan.Head.Pool.EACH;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Operation;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Plan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** How rows that left, or jumped out of a loop, pass the steps in between. */
class EngineBypassTest {
  private static final double CLOSE = 1e-3;
  private static final Policy ALL = Scripts.both().with("again", 0.5);

  /** Steps: 0 exit a; 1, 2, 3 the loop; 4 exit b; 5 the end. */
  private static ModelSpec looping(Operation operation, Bypass exits, Bypass halts) {
    return Scripts.spec(
        EACH,
        Plan.builder()
            .add(Scripts.block(operation))
            .add(Scripts.exit("a", EACH, Criterion.confidence(), exits))
            .add(Scripts.loop("again", 1, 3, EACH, halts))
            .add(Scripts.block(operation))
            .add(Scripts.exit("b", EACH, Criterion.confidence(), exits))
            .add(Scripts.block(Scripts.ALONE))
            .build());
  }

  @Test
  void rowsPassAsTheirBypassSaysWhereverTheyLeave() {
    SplittableRandom random = new SplittableRandom(11);
    Set<Integer> seen = new HashSet<>();
    for (Bypass bypass :
        List.of(
            Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV, Bypass.MASK, Bypass.DEFER_RECOMPUTE)) {
      for (Operation operation : List.of(Scripts.CAUSAL, Scripts.FULL)) {
        sameAsPlain(Scripts.exits(operation, EACH, bypass), Scripts.both(), random, seen);
      }
    }
    assertEquals(Set.of(0, 1, 2), seen);
  }

  @Test
  void rowsMayJumpOutOfALoopAndAreLiveBehindIt() {
    SplittableRandom random = new SplittableRandom(12);
    Set<Integer> seen = new HashSet<>();
    for (Bypass exits :
        List.of(
            Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV, Bypass.MASK, Bypass.DEFER_RECOMPUTE)) {
      for (Bypass halts : List.of(Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV, Bypass.MASK)) {
        if (exits.freezes() && halts.freezes() && exits != halts) {
          continue;
        }
        for (Operation operation : List.of(Scripts.CAUSAL, Scripts.FULL)) {
          sameAsPlain(looping(operation, exits, halts), ALL, random, seen);
        }
      }
    }
    assertEquals(Set.of(0, 4, 5), seen);
  }

  private static void sameAsPlain(
      ModelSpec spec, Policy policy, SplittableRandom random, Set<Integer> seen) {
    ScriptedModel model = new ScriptedModel(spec);
    EngineOptions together =
        EngineOptions.defaults().withBatchRows(40).withLinger(Duration.ofSeconds(10));
    for (int round = 0; round < 40; round++) {
      int[][] tokens = new int[5][];
      Arrays.setAll(tokens, i -> random.ints(8, 0, 999).toArray());
      List<CompletableFuture<Inference>> answers = new ArrayList<>();
      try (Engine engine = Engine.open(model, policy, together)) {
        for (int[] each : tokens) {
          answers.add(engine.submit(Scripts.item(each)));
        }
      }
      for (int i = 0; i < tokens.length; i++) {
        Inference inference = answers.get(i).join();
        Plain plain = new Plain(spec, tokens[i]);
        for (int p = 0; p < tokens[i].length; p++) {
          String what = spec.plan().parts() + " row " + p + " of " + Arrays.toString(tokens[i]);
          assertEquals(plain.exits[p], inference.exit(p), "exit, " + what);
          assertEquals(plain.depths[p], inference.depth(p), "depth, " + what);
          assertEquals(plain.answers[p], inference.logits(p).get(0), CLOSE, what);
          seen.add(inference.exit(p));
        }
      }
    }
    assertEquals(0, model.openHandles.get(), "open handles");
    assertEquals(0, model.openStates.get(), "open states");
  }

  @Test
  void deferredRowsRunUnscoredWhileALaterRowMayReadThem() {
    assertEquals(
        List.of("S0 L*0,L*1,L*2,L*3,", "S1 L0,L*1,L*2,", "S2 L0,L1,L*2,"),
        calls(
            Scripts.exits(Scripts.CAUSAL, EACH, Bypass.DEFER_RECOMPUTE),
            Scripts.both(),
            Scripts.item(10, 11, 12, 20)));
    assertEquals(
        List.of("S0 L*0,L*1,L*2,", "S1 L0,L*1,L2,", "S2 L0,L*1,L2,"),
        calls(
            Scripts.exits(Scripts.FULL, EACH, Bypass.DEFER_RECOMPUTE),
            Scripts.both(),
            Scripts.item(10, 12, 20)));
  }

  @Test
  void maskedRowsAreGone() {
    assertEquals(
        List.of("S0 L*0,L*1,L*2,", "S1 L*1,L*2,", "S2 L*1,"),
        calls(
            Scripts.exits(Scripts.CAUSAL, EACH, Bypass.MASK),
            Scripts.both(),
            Scripts.item(10, 12, 21)));
  }

  @Test
  void aRowIsFrozenInTheLoopItJumpedOutOf() {
    ModelSpec spec = looping(Scripts.CAUSAL, Bypass.FREEZE_PROJECT, Bypass.FREEZE_PROJECT);
    assertEquals(
        List.of(
            "S0 L*0,L*1,L*2,",
            "S1 L*0,L*1,L*2,",
            "S2 F0,L*1,",
            "S3 F0,L1,",
            "S4 L*0,L*1,L*2,",
            "S5 L*0,L*1,L*2,"),
        calls(spec, ALL, Scripts.item(11, 13, 21)),
        "the last row is behind the last live one, and a time that is the last asks nobody");
  }

  @Test
  void aRowThatShowsItsKeysAgainMissesNoAttention() {
    ModelSpec spec = looping(Scripts.CAUSAL, Bypass.FREEZE_SHARE_KV, Bypass.FREEZE_SHARE_KV);
    assertEquals(
        List.of(
            "S0 L*0,L*1,", "S1 L*0,L*1,", "S2 F0,F1,", "S3 F0,F1,", "S4 L*0,L*1,", "S5 L*0,L*1,"),
        calls(spec, ALL, Scripts.item(11, 21)));
  }

  @Test
  void stepsThatAllRowsJumpOverDoNotRun() {
    ModelSpec spec = looping(Scripts.FULL, Bypass.FREEZE_PROJECT, Bypass.MASK);
    ScriptedModel model = new ScriptedModel(spec);
    Inference inference;
    try (Engine engine = Engine.open(model, ALL)) {
      inference = engine.infer(Scripts.item(11, 21));
    }
    assertEquals(List.of("S0 L*0,L*1,", "S1 L*0,L*1,", "S4 L*0,L*1,", "S5 L*0,L*1,"), model.calls);
    assertEquals(4, inference.depth(0));
    Cost cost = Cost.of(spec);
    long rows = 0;
    for (int stage = 0; stage < 4; stage++) {
      rows += cost.live(stage, 0, 2, 0) + cost.live(stage, 1, 2, 0) + 2 * cost.head(stage);
    }
    assertEquals(rows, inference.flops());
    assertEquals(cost.full(2), inference.fullFlops());
    assertTrue(inference.flops() < inference.fullFlops());
  }

  @Test
  void keysThatAreShownAgainCostNothing() {
    ModelSpec spec = Scripts.exits(Scripts.CAUSAL, EACH, Bypass.FREEZE_SHARE_KV);
    Cost cost = Cost.of(spec);
    Inference inference;
    try (Engine engine = Engine.open(new ScriptedModel(spec), Scripts.both())) {
      inference = engine.infer(Scripts.item(10, 12));
    }
    assertEquals(0, cost.frozen(1));
    long first = cost.live(0, 0, 2, 0) + cost.live(0, 1, 2, 0) + 2 * cost.head(0);
    long later = cost.live(1, 1, 2, 0) + cost.head(1) + cost.live(2, 1, 2, 0) + cost.head(2);
    assertEquals(first + later, inference.flops());
  }

  @Test
  void rowsOfACallAreClosedWhenNobodyNeedsThemAnyMore() {
    ModelSpec spec = looping(Scripts.CAUSAL, Bypass.MASK, Bypass.MASK);
    ScriptedModel model = new ScriptedModel(spec);
    List<Integer> open = new ArrayList<>();
    model.before = batch -> open.add(model.openHandles.get());
    try (Engine engine = Engine.open(model, ALL)) {
      engine.infer(Scripts.item(10, 11, 13, 15));
    }
    assertEquals(List.of(0, 1, 1, 2, 2, 1), open, "row 1 waits from step 1 to step 4");
  }

  private static List<String> calls(ModelSpec spec, Policy policy, Item item) {
    ScriptedModel model = new ScriptedModel(spec);
    try (Engine engine = Engine.open(model, policy)) {
      engine.infer(item);
    }
    assertEquals(0, model.openHandles.get(), "open handles");
    return model.calls;
  }
}
