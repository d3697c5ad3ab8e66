package anabranch.engine;

import static anabranch.model.plan.Head.Pool.EACH;
import static anabranch.model.plan.Head.Pool.FLATTEN;
import static anabranch.model.plan.Head.Pool.MEAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.error.ExecutionException;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Requirements;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What an item must bring. */
class AdmissionTest {
  @Test
  void anEventForTheEncoderIsThereExactlyWhenThereIsAnEncoder() {
    ModelSpec reading = Scripts.reading(Scripts.causal(), Plan.of(Scripts.block(Scripts.FULL)));
    Item item = Scripts.item(1);
    refused(
        reading,
        item,
        "item.source is missing: the encoder of the model reads an event of its own");
    refused(
        Scripts.causal(),
        item.reading(Event.ofTokens(1)),
        "item.source is given, the model has no encoder");
    refused(
        reading, item.reading(Event.ofTokens(1, 1000)), "source.token[1] 1000 is not in 0..999");
    refused(reading, item.reading(Event.ofTokens(new int[9])), "source.rows 9 is not in 1..8");
    refused(
        reading,
        item.reading(Event.ofTokens(1).at(2)),
        "source.firstPosition 2 is not 0: an item is a whole sequence");
    refused(
        reading,
        item.reading(Event.ofFeatures(1, 1)),
        "source has feature rows, the model takes token ids");
  }

  @Test
  void rowsOfARecordHaveOneFiniteNumberForEachField() {
    ModelSpec records =
        new ModelSpec(
            "script",
            4,
            new Input.Records(
                List.of(new Input.Field.Numeric("x"), new Input.Field.Category("y", 3, 0)), 5),
            Embedding.plain(),
            Plan.of(Scripts.block(Scripts.ALONE)),
            Scripts.head(EACH));
    refused(records, Item.of("i", Event.ofFeatures(3, 1, 2, 3)), "event.width 3 is not in 2..2");
    refused(records, Item.of("i", Event.ofTokens(1)), "event.width 0 is not in 2..2");
    refused(
        records,
        Item.of("i", Event.ofFeatures(2, 1, 2, 3, Float.NaN)),
        "event.features[1][1] NaN is not finite");
  }

  @Test
  void aHeadOfAllRowsNeedsThemAll() {
    Plan.Builder plan =
        Plan.builder()
            .add(Scripts.block(Scripts.FULL))
            .add(Scripts.exit("a", FLATTEN, Criterion.confidence(), Bypass.TERMINATE))
            .add(Scripts.block(Scripts.FULL));
    ModelSpec spec = Scripts.spec(MEAN, plan.build());
    refused(
        spec,
        Scripts.item(1, 2),
        "event.rows 2 is not 20, which heads with pool FLATTEN need (rule E6)");
    ScriptedModel model = new ScriptedModel(spec);
    try (Engine engine = Engine.open(model, Policy.fullDepth())) {
      assertEquals(1, engine.infer(Scripts.item(new int[20])).units());
    }
  }

  @Test
  void unitsAreForcedToLeaveAtExitsOnly() {
    Plan plan =
        Plan.builder()
            .add(Scripts.block(Scripts.CAUSAL))
            .add(Scripts.loop("again", 0, 2, EACH, Bypass.MASK))
            .add(Scripts.exit("a", EACH, Criterion.confidence(), Bypass.MASK))
            .add(Scripts.block(Scripts.CAUSAL))
            .build();
    ModelSpec spec =
        Scripts.reading(Scripts.spec(EACH, plan), Plan.of(Scripts.block(Scripts.FULL)));
    Item item = Scripts.item(1).reading(Event.ofTokens(1));
    refused(
        spec,
        item.withForcedExits(List.of(2)),
        "item.forcedExits 2 is not the step of an exit: these are [4, 5]");
    refused(spec, item.withForcedExits(List.of(6)), "item.forcedExits 6 is not in 0..5");
    try (Engine engine = Engine.open(new ScriptedModel(spec), Policy.fullDepth())) {
      assertEquals(4, engine.infer(item.withForcedExits(List.of(4))).exit(0));
    }
  }

  @Test
  void whereAnythingIsDrawnEventsAreKeyedByTheirItem() {
    ModelSpec drawing = drawing();
    assertTrue(Requirements.of(drawing).keys());
    Item item = Scripts.item(7);
    assertEquals(Event.ofTokens(7).keyed("item7").key(), seen(drawing, item).key());
    Item own = Item.of("item7", Event.ofTokens(7).keyed(5));
    assertEquals(5, seen(drawing, own).key());
    assertFalse(seen(Scripts.causal(), item).hasKey());
    ModelSpec reading = Scripts.reading(Scripts.causal(), Plan.of(drawing.plan().blocks()));
    assertEquals(
        Event.ofTokens(3).keyed("item7").key(),
        seen(reading, item.reading(Event.ofTokens(3))).key());
  }

  @Test
  void conditionsAreThereAndOfTheLengthThatIsRead() {
    Mixture mixture =
        new Mixture(2, FeedForward.plain(4, Activation.RELU), Routers.switchDit(3, 1, false));
    ModelSpec model = Scripts.spec(EACH, Plan.of(Scripts.block(mixture)));
    Event event = Event.ofTokens(7);
    Item item = Item.of("item7", event.conditioned(1, 2, 3));
    assertEquals(event.conditioned(1, 2, 3), seen(model, item));
    refused(model, Item.of("item7", event), "event.condition.length 0 is not in 3..3");
    refused(Scripts.causal(), item, "event.condition.length 3 is not in 0..0");
    ModelSpec reading = Scripts.reading(Scripts.causal(), Plan.of(model.plan().blocks()));
    assertEquals(
        Event.ofTokens(3).conditioned(1, 2, 3), seen(reading, item.reading(Event.ofTokens(3))));
    Event own = Event.ofTokens(3).conditioned(4, 5, 6);
    assertEquals(own, seen(reading, item.reading(own)));
    refused(
        reading,
        item.reading(Event.ofTokens(3).conditioned(4)),
        "source.condition.length 1 is not in 3..3");
  }

  private static ModelSpec drawing() {
    Mixture mixture =
        new Mixture(2, FeedForward.plain(4, Activation.RELU), Routers.thorOfSequence(3));
    return Scripts.spec(EACH, Plan.of(Scripts.block(mixture)));
  }

  /** Returns the event that the first step sees. */
  private static Event seen(ModelSpec spec, Item item) {
    ScriptedModel model = new ScriptedModel(spec);
    Event[] seen = new Event[1];
    model.before =
        batch -> seen[0] = seen[0] == null ? batch.spans().get(0).rows().event(0) : seen[0];
    try (Engine engine = Engine.open(model, Policy.fullDepth())) {
      engine.infer(item);
    }
    return seen[0];
  }

  private static void refused(ModelSpec spec, Item item, String words) {
    ScriptedModel model = new ScriptedModel(spec);
    try (Engine engine = Engine.open(model, Policy.fullDepth())) {
      ExecutionException unfit = assertThrows(ExecutionException.class, () -> engine.infer(item));
      assertEquals("item \"" + item.id() + "\": " + words, unfit.getMessage());
      assertEquals(-1, unfit.stage());
    }
    assertEquals(List.of(), model.calls);
  }
}
