package anabranch.typed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.LoadedModel;
import anabranch.dsl.Opening;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.flow.Outcome;
import anabranch.flow.ScriptedBackend;
import anabranch.flow.ScriptedModel;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Weights;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What Java may call, called from Java. */
class JavaCallersTest {
  record Reading(double volts, boolean on) {}

  record Verdict(int label, String exit, String item) {}

  private static final ModelSpec SPEC =
      new ModelSpec(
          "readings",
          4,
          new Input.Features(2, 8),
          Embedding.plain(),
          Plan.of(
              Block.of(
                  Sublayer.preNorm(new Norm.Rms(1e-6), FeedForward.plain(4, Activation.GELU)))),
          new Head(Head.Pool.EACH, null, 2, false));

  private final Weights weights = MemoryWeights.of(List.of());

  private final ScriptedBackend backend =
      new ScriptedBackend(
          spec ->
              new ScriptedModel(
                  spec,
                  (event, row, stage) -> 0f,
                  batch -> kotlin.Unit.INSTANCE,
                  (event, row, stage) ->
                      new float[] {event.features(row).get(0), event.features(row).get(1)}));

  @Test
  void recordsAreAnsweredByRecords() {
    try (Engine engine = Opening.open(backend, SPEC, weights)) {
      TypedEngine<Reading, Verdict> typed =
          TypedEngine.of(engine, Reading.class, Verdict.class, reading -> "v" + reading.volts());
      assertEquals(List.of("volts", "on"), typed.columns());
      assertEquals(new Verdict(1, null, "v0.5"), typed.infer(new Reading(0.5, true)));
      Item item = typed.item(List.of(new Reading(2, true), new Reading(0.5, true)));
      CompletableFuture<Inference> future = engine.submit(item);
      List<Verdict> both = typed.answers(future.join());
      assertEquals(List.of(0, 1), both.stream().map(Verdict::label).toList());
      assertNull(both.get(0).exit());
      assertEquals(
          "Reading",
          TypedEngine.of(engine, Reading.class, Verdict.class).item(new Reading(1, true)).id());
      Outcome outcome = new Outcome.Answered(item, future.join());
      assertEquals(item, outcome.getItem());
    }
    assertTrue(backend.getLoaded().get(0).getClosed());
  }

  @Test
  void aModelIsLoadedAndOpenedWithAPolicy() {
    try (LoadedModel model = Opening.load(backend, SPEC, weights)) {
      assertEquals(SPEC, model.spec());
    }
    Policy policy = Policy.named("v1");
    try (Engine engine = Opening.open(backend, SPEC, weights, policy)) {
      assertEquals(policy, engine.policy());
    }
  }
}
