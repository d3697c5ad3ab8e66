package anabranch.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Rule D10. */
class EngineExitsTest {
  private static final double CLOSE = 1e-4;

  @Test
  void rowsLeaveWhereTheirScoreFires() {
    Inference inference = infer(Scripts.causal(), Scripts.both(), Scripts.item(10, 11, 12, 25));
    assertEquals(List.of(0, 1, 2, 2), exits(inference));
    assertEquals(3, inference.depth(2));
    assertEquals(1, inference.logits(1).get(1), "logits come from the head of the exit");
  }

  @Test
  void anExitWithoutThresholdNeverFires() {
    Policy onlyB = Policy.named("b").with("b", 1);
    assertEquals(List.of(2, 1), exits(infer(Scripts.causal(), onlyB, Scripts.item(10, 11))));
    assertEquals(
        List.of(2, 2), exits(infer(Scripts.causal(), Policy.fullDepth(), Scripts.item(10, 11))));
  }

  @Test
  void frozenRowsStayKeysOfLaterRows() {
    SplittableRandom random = new SplittableRandom(7);
    for (int round = 0; round < 200; round++) {
      int[] tokens = random.ints(random.nextInt(1, 12), 0, 999).toArray();
      for (ModelSpec spec : List.of(Scripts.causal(), Scripts.bidirectional())) {
        Inference inference = infer(spec, Scripts.both(), Scripts.item(tokens));
        double[][] expected = plainLoop(tokens, spec.equals(Scripts.causal()));
        for (int p = 0; p < tokens.length; p++) {
          assertEquals(expected[p][1], inference.exit(p), "exit of row " + p);
          assertEquals(expected[p][0], inference.logits(p).get(0), CLOSE, "row " + p);
        }
      }
    }
  }

  /** The whole item in plain loops: h and exit of each row. */
  private static double[][] plainLoop(int[] tokens, boolean causal) {
    int n = tokens.length;
    double[] h = new double[n];
    int[] exit = new int[n];
    for (int p = 0; p < n; p++) {
      h[p] = tokens[p];
      exit[p] = -1;
    }
    for (int stage = 0; stage < 3; stage++) {
      double[] next = h.clone();
      for (int p = 0; p < n; p++) {
        if (exit[p] < 0) {
          double read = 0;
          for (int q = 0; q < (causal ? p + 1 : n); q++) {
            read += h[q];
          }
          next[p] = h[p] + 1 + read / 1000;
        }
      }
      h = next;
      for (int p = 0; p < n; p++) {
        if (exit[p] < 0 && (stage == 2 || ScriptedModel.score(tokens[p], stage) >= 1)) {
          exit[p] = stage;
        }
      }
    }
    double[][] rows = new double[n][];
    for (int p = 0; p < n; p++) {
      rows[p] = new double[] {h[p], exit[p]};
    }
    return rows;
  }

  @Test
  void frozenRowsBehindTheLastLiveRowDoNotRun() {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    try (Engine engine = Engine.open(model, Scripts.both())) {
      engine.infer(Scripts.item(10, 11, 20, 30));
    }
    assertEquals(List.of("S0 L*0,L*1,L*2,L*3,", "S1 F0,L*1,"), model.calls);
  }

  @Test
  void frozenRowsOfABidirectionalItemRunUntilTheLastLiveRowHasLeft() {
    ScriptedModel model = new ScriptedModel(Scripts.bidirectional());
    try (Engine engine = Engine.open(model, Scripts.both())) {
      engine.infer(Scripts.item(10, 12, 20));
    }
    assertEquals("S1 F0,L*1,F2,", model.calls.get(1));
    assertEquals("S2 F0,L*1,F2,", model.calls.get(2));
  }

  @Test
  void rowsThatTerminateTakeNothingAlong() {
    ScriptedModel model = new ScriptedModel(Scripts.tokenwise());
    try (Engine engine = Engine.open(model, Scripts.both())) {
      engine.infer(Scripts.item(10, 12, 21));
    }
    assertEquals(List.of("S0 L*0,L*1,L*2,", "S1 L*1,L*2,", "S2 L*1,"), model.calls);
  }

  @Test
  void wholeItemsLeaveAndTheirCompanionsGoOn() {
    ScriptedModel model = new ScriptedModel(Scripts.classifier());
    List<Inference> answers = new ArrayList<>();
    try (Engine engine =
        Engine.open(
            model,
            Scripts.both(),
            EngineOptions.defaults()
                .withBatchRows(4)
                .withLinger(java.time.Duration.ofSeconds(50)))) {
      engine
          .submitAll(List.of(Scripts.item(10, 5), Scripts.item(12, 6)))
          .forEach(answer -> answers.add(answer.join()));
    }
    assertEquals(1, answers.get(0).units());
    assertEquals(0, answers.get(0).exit(0));
    assertEquals(2, answers.get(1).exit(0));
    assertEquals(3, model.calls.size());
    assertEquals("S1 L*0,L*1,", model.calls.get(1));
  }

  @Test
  void forcedExitsOverrideScores() {
    Item forced = Scripts.item(10, 11, 12).withForcedExits(List.of(2, 0, 1));
    Inference inference = infer(Scripts.causal(), Scripts.both(), forced);
    assertEquals(List.of(2, 0, 1), exits(inference));
  }

  @Test
  void aScoreThatIsNoNumberNeverFiresAndIsCounted() {
    List<Integer> invalid = new ArrayList<>();
    try (Engine engine =
        Engine.open(
            new ScriptedModel(Scripts.causal()),
            Scripts.both(),
            EngineOptions.defaults(),
            batch -> invalid.add(batch.invalid()))) {
      assertEquals(2, engine.infer(Scripts.item(19)).exit(0));
    }
    assertEquals(List.of(1, 1, 0), invalid);
  }

  @Test
  void anItemMayBringItsOwnPolicy() {
    Item own = Scripts.item(10).withPolicy(Policy.fullDepth());
    Inference inference = infer(Scripts.causal(), Scripts.both(), own);
    assertEquals(2, inference.exit(0));
    assertEquals("full-depth", inference.policy());
    assertEquals("script", inference.numerics().device());
  }

  @Test
  void flopsCountLiveRowsFrozenRowsAndEveryHead() {
    Cost cost = Cost.of(Scripts.causal());
    Inference inference = infer(Scripts.causal(), Scripts.both(), Scripts.item(10, 12));
    long first = cost.live(0, 0, 2, 0) + cost.live(0, 1, 2, 0) + 2 * cost.head(0);
    long second = cost.frozen(1) + cost.live(1, 1, 2, 0) + cost.head(1);
    long third = cost.frozen(2) + cost.live(2, 1, 2, 0) + cost.head(2);
    assertEquals(first + second + third, inference.flops());
    assertEquals(cost.full(2), inference.fullFlops());
    assertTrue(inference.flops() < inference.fullFlops() + 3 * cost.head(0));
  }

  @Test
  void choicesAreGivenForEveryRowThatRan() {
    try (Engine engine =
        Engine.open(
            new ScriptedModel(Scripts.causal()),
            Scripts.both(),
            EngineOptions.defaults().withTrace(true))) {
      Inference inference = engine.infer(Scripts.item(10, 12));
      assertEquals(3, inference.choices().size());
      assertEquals(2, inference.choices().get(2).experts().get(1));
      assertEquals(2, inference.choices().get(2).experts().limit());
    }
  }

  private static Inference infer(ModelSpec spec, Policy policy, Item item) {
    ScriptedModel model = new ScriptedModel(spec);
    Inference inference;
    try (Engine engine = Engine.open(model, policy)) {
      inference = engine.infer(item);
    }
    assertEquals(0, model.openHandles.get(), "open handles");
    assertEquals(0, model.openStates.get(), "open states");
    assertTrue(model.closed);
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
