package anabranch.engine;

import static anabranch.Refusals.assertRefused;
import static anabranch.model.plan.Head.Pool.EACH;
import static anabranch.model.plan.Head.Pool.MEAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.error.ExecutionException;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Bypass;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Plan;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Items whose encoder reads an event of its own first. */
class EngineEncoderTest {
  private static final double CLOSE = 1e-4;

  /** Steps: 0 exit m and 1 the memory; 2 exit a; 3 the end. */
  private static ModelSpec reading() {
    return Scripts.reading(
        decoder(),
        Plan.builder()
            .add(Scripts.block(Scripts.FULL))
            .add(new Exit("m", null, Criterion.learned(), Bypass.TERMINATE))
            .add(Scripts.block(Scripts.FULL))
            .build());
  }

  private static ModelSpec decoder() {
    return Scripts.spec(
        EACH,
        Plan.builder()
            .add(Scripts.block(Scripts.CAUSAL))
            .add(Scripts.exit("a", EACH, Criterion.confidence(), Bypass.FREEZE_PROJECT))
            .add(Scripts.block(Scripts.CAUSAL))
            .build());
  }

  private static final Policy EARLY = Policy.named("early").with("m", 0.5).with("a", 1);

  @Test
  void theRowsOfTheEncoderBecomeTheMemoryWhereTheyLeft() {
    ScriptedModel model = new ScriptedModel(reading());
    Inference early = infer(model, EARLY, item(5, 10, 20));
    assertEquals(
        List.of("S0 L*0,L*1,", "S2 L*0,", "S3 L*0,"), model.calls, "step 1 is jumped over");
    assertEquals(List.of(List.of(10 + 1.03, 20 + 1.03)), model.memories);
    assertEquals(0, early.memoryExit());
    double first = 5 + 1 + (32.06 + 5) / 1000;
    assertEquals(first + 1 + (32.06 + first) / 1000, early.logits(0).get(0), CLOSE);
    assertEquals(2, early.depth(0), "blocks of the decoder");

    model.memories.clear();
    Inference late = infer(model, EARLY, item(5, 11, 20));
    assertEquals(1, late.memoryExit());
    assertEquals(List.of("S0 L*0,L*1,", "S1 L0,L1,", "S2 L*0,", "S3 L*0,"), model.calls);
    assertEquals(11 + 1.031 + 1.033062, model.memories.get(0).get(0), CLOSE);
  }

  @Test
  void operationsOfTheEncoderAreCounted() {
    Cost cost = Cost.of(reading());
    Inference inference =
        infer(new ScriptedModel(reading()), EARLY.with("m", 2), item(5, 10, 20, 30));
    long flops = 3 * (cost.live(0, 0, 3, 3) + cost.live(1, 0, 3, 3)) + cost.head(0);
    flops += cost.live(2, 0, 1, 3) + cost.live(3, 0, 1, 3) + cost.head(2) + cost.head(3);
    assertEquals(flops, inference.flops());
    assertEquals(cost.full(1, 3), inference.fullFlops());
  }

  @Test
  void itemsWithLongAndShortWaysThroughTheEncoderAreAnsweredAlike() {
    ScriptedModel model = new ScriptedModel(reading());
    EngineOptions together =
        EngineOptions.defaults().withBatchRows(6).withLinger(Duration.ofSeconds(50));
    List<CompletableFuture<Inference>> answers;
    try (Engine engine = Engine.open(model, EARLY, together)) {
      answers = engine.submitAll(List.of(item(5, 10), item(6, 11), item(12, 30)));
    }
    assertEquals(
        List.of("S0 L*0, L*0, L*0,", "S2 L*0, L*0,", "S3 L*0,", "S1 L0,", "S2 L*0,", "S3 L*0,"),
        model.calls,
        "while costs are unknown the deepest go on first");
    assertEquals(
        List.of(0, 1, 0), answers.stream().map(answer -> answer.join().memoryExit()).toList());
    assertEquals(0, model.openHandles.get());
    assertEquals(0, model.openStates.get());
  }

  @Test
  void aMemoryThatCannotBeMadeFailsItsItemAlone() {
    ScriptedModel model = new ScriptedModel(reading());
    EngineOptions together =
        EngineOptions.defaults().withBatchRows(4).withLinger(Duration.ofSeconds(50));
    try (Engine engine =
        Engine.open(model, EARLY, together, batch -> model.poison = batch.stage() == 0 ? 20 : -1)) {
      List<CompletableFuture<Inference>> answers =
          engine.submitAll(List.of(item(5, 20), item(6, 30)));
      Throwable cause = assertThrows(Exception.class, () -> answers.get(0).join()).getCause();
      assertTrue(cause instanceof ExecutionException failed && failed.stage() == 0, "" + cause);
      assertEquals(0, answers.get(1).join().memoryExit());
    }
    assertEquals(0, model.openHandles.get());
    assertEquals(0, model.openStates.get());
  }

  @Test
  void anEncoderMayChooseItsDepthAndHalt() {
    ModelSpec spec =
        Scripts.reading(
            Scripts.classifier(),
            Plan.builder()
                .add(new DepthChoice("where", DepthChoice.From.ROWS, MEAN, true))
                .add(Scripts.loop("again", 0, 3, EACH, Bypass.FREEZE_PROJECT))
                .add(Scripts.block(Scripts.FULL))
                .add(new Exit("m", null, Criterion.chosen(), Bypass.TERMINATE))
                .add(Scripts.block(Scripts.FULL))
                .build());
    ScriptedModel model = new ScriptedModel(spec);
    model.label = (token, step) -> token / 100;
    Policy policy = Policy.named("p").with("m", 1).with("again", 0.5);
    Inference inference = infer(model, policy, item(7, 1, 3));
    assertEquals(
        List.of("S0 L*0,L*1,", "S1 L*0,L*1,", "S2 F0,L*1,", "S3 F0,L1,", "S4 L*0,L*1,"),
        model.calls.subList(0, 5));
    assertEquals(4, inference.memoryExit());
    assertEquals(5, infer(model, policy, item(7, 101, 3)).memoryExit());
  }

  @Test
  void anEncoderSharesNoKeysBecauseItKeepsNone() {
    Plan sharing =
        Plan.builder()
            .add(Scripts.block(Scripts.FULL))
            .add(Scripts.loop("again", 0, 3, EACH, Bypass.FREEZE_SHARE_KV))
            .build();
    assertRefused(
        "halt \"again\" bypass FREEZE_SHARE_KV stands in an encoder, which keeps no keys between"
            + " stages",
        () -> Scripts.reading(decoder(), sharing));
    ScriptedModel model =
        new ScriptedModel(Scripts.reading(decoder(), Plan.of(Scripts.block(Scripts.CAUSAL))));
    assertFalse(model.cut.stages().get(0).keepsState());
    assertEquals(0, infer(model, Policy.fullDepth(), item(1, 2, 3)).memoryExit());
  }

  @Test
  void aModelWithAnEncoderHasAStateThoughNoStageReadsOne() {
    ScriptedModel model =
        new ScriptedModel(
            Scripts.reading(Scripts.tokenwise(), Plan.of(Scripts.block(Scripts.FULL))));
    assertEquals(0, infer(model, Policy.fullDepth(), item(1, 2)).memoryExit());
    assertEquals(1, model.memories.size());
  }

  @Test
  void choicesOfTheEncoderAreThoseOfItsOwnRows() {
    ModelSpec spec =
        Scripts.reading(decoder(), Plan.of(Scripts.block(Scripts.FULL)))
            .withPlan(Plan.of(Scripts.block(Attention.memory(1, 4))));
    try (Engine engine =
        Engine.open(
            new ScriptedModel(spec),
            Policy.fullDepth(),
            EngineOptions.defaults().withTrace(true))) {
      Inference inference = engine.infer(item(1, 2, 3, 4));
      assertEquals("encoder.blocks.0.mixture", inference.choices().get(0).path());
      assertEquals(3, inference.choices().get(0).experts().limit());
      assertEquals("blocks.0.mixture", inference.choices().get(1).path());
      assertEquals(1, inference.choices().get(1).experts().limit());
    }
  }

  @Test
  void modelsWithoutAnEncoderHaveNoMemoryExit() {
    assertEquals(-1, infer(new ScriptedModel(decoder()), EARLY_HERE, Scripts.item(1)).memoryExit());
  }

  private static final Policy EARLY_HERE = Policy.named("here").with("a", 1);

  private static Item item(int token, int... source) {
    return Scripts.item(token).reading(Event.ofTokens(source));
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
}
