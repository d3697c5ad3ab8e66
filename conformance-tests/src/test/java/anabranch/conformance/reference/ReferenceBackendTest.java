package anabranch.conformance.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import anabranch.backend.Trace;
import anabranch.error.WeightsException;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Recurrence;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.route.Capacity;
import anabranch.model.route.Routers;
import anabranch.weights.Weights;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Stages, states and images around the oracle's arithmetic. */
class ReferenceBackendTest {
  private static final Norm NORM = new Norm.Rms(1e-5);

  private static Sublayer pre(Operation operation) {
    return Sublayer.preNorm(NORM, operation);
  }

  /** Everything that keeps something: n-grams, keys, a recurrence, a prompt's decision, a body. */
  private static ModelSpec keeping(Bypass bypass) {
    FeedForward network = FeedForward.plain(6, Activation.GELU);
    Recurrence recurrence = new Recurrence(3, 2, 3, 2);
    Head head = new Head(Head.Pool.EACH, NORM, 3, true);
    Attention attention = Attention.causal(2, 2).withRotary(100);
    Plan.Builder builder = Plan.builder();
    int twice = builder.store(Block.of(pre(attention), pre(network)));
    Plan plan =
        builder
            .add(new Loop(List.of(new Part.Run(twice)), 2, null))
            .add(
                new Exit("a", head.withBody(Block.of(pre(recurrence))), Criterion.margin(), bypass))
            .add(Block.of(pre(recurrence), pre(new Mixture(3, network, Routers.mixtral(2)))))
            .add(
                Block.of(
                    pre(
                        new Skip(
                            Routers.mindSkip(0.5),
                            Attention.causal(2, 2).withRotary(100),
                            Bypass.MASK))))
            .add(Block.of(pre(attention)))
            .build();
    Embedding.Ngrams ngrams = new Embedding.Ngrams(List.of(2, 3), 8, 4, 0);
    return new ModelSpec(
        "keeping", 4, new Input.Tokens(5, 64), Embedding.plain().withNgrams(ngrams), plan, head);
  }

  private static LoadedModel load(ModelSpec spec) {
    return new ReferenceBackend().load(spec, Weights.random(spec, 7), LoadOptions.defaults());
  }

  private static List<Event> events(int count, int rows) {
    List<Event> events = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      int[] tokens = new int[rows];
      for (int i = 0; i < rows; i++) {
        tokens[i] = (3 * n + 2 * i * i + 1) % 5;
      }
      events.add(Event.ofTokens(tokens).at(n * rows));
    }
    return events;
  }

  @Test
  void stagesAndStatesGiveTheNumbersOfTheOracle() {
    for (Bypass bypass : List.of(Bypass.FREEZE_PROJECT, Bypass.FREEZE_SHARE_KV)) {
      ModelSpec spec = keeping(bypass);
      LoadedModel model = load(spec);
      Set<Integer> leavers = Set.of(1, 2, 5, 8);
      List<Event> events = events(3, 3);
      List<Integer> exits = new ArrayList<>();
      for (int row = 0; row < 9; row++) {
        exits.add(leavers.contains(row) ? 0 : 1);
      }
      Verdict verdict =
          new Oracle(spec, Weights.random(spec, 7)).run(events, Decisions.exits(exits));
      SequenceState state = model.newState(null);
      int row = 0;
      for (Event event : events) {
        float[][] answers = new Ride(model).through(List.of(state), List.of(event), leavers).get(0);
        for (float[] answer : answers) {
          for (int i = 0; i < answer.length; i++) {
            assertEquals((float) verdict.logits(row)[i], answer[i], bypass + " row " + row);
          }
          row++;
        }
      }
    }
  }

  @Test
  void imagesCarryASequenceToAnotherModel() {
    ModelSpec spec = keeping(Bypass.FREEZE_PROJECT);
    LoadedModel model = load(spec);
    SequenceState undisturbed = model.newState(null);
    SequenceState travelling = model.newState(null);
    StateImage image = travelling.image(0);
    for (Event event : events(12, 3)) {
      assertEquals(event.firstPosition(), undisturbed.length());
      float[][] expected = new Ride(model).through(undisturbed, event);
      LoadedModel other = load(spec);
      SequenceState restored = other.restore(image);
      assertEquals(event.firstPosition(), restored.length());
      assertArrayEquals(expected, new Ride(other).through(restored, event));
      StateImage later = restored.image(image.version());
      assertFalse(later.complete());
      image = image.with(later);
      assertTrue(image.complete());
      assertEquals(undisturbed.image(0).pages(), image.pages());
      assertEquals(undisturbed.bytes(), restored.bytes());
      assertTrue(restored.bytes() > 0 && restored.bytes() < image.bytes());
    }
  }

  /** Sixteen positions make a page; a page that nobody wrote is in no later image. */
  @Test
  void imagesHaveOnlyWhatWasWrittenSince() {
    LoadedModel model = load(keeping(Bypass.FREEZE_PROJECT));
    SequenceState state = model.newState(null);
    Ride ride = new Ride(model);
    List<Event> events = events(20, 3);
    events.subList(0, 16).forEach(event -> ride.through(state, event));
    StateImage first = state.image(0);
    StateImage nothing = state.image(first.version());
    assertEquals(Map.of(), nothing.pages());
    assertTrue(nothing.version() > first.version());
    ride.through(state, events.get(16));
    StateImage later = state.image(nothing.version());
    assertTrue(later.bytes() < first.bytes() / 2, later.bytes() + " of " + first.bytes());
    assertEquals(later.pages(), state.image(first.version()).pages(), "since before, too");
    StateImage whole = state.image(0);
    assertTrue(whole.complete());
    first.pages().keySet().forEach(id -> assertTrue(whole.pages().containsKey(id), "page " + id));
    assertEquals(whole.pages(), first.with(later).pages());
    first
        .pages()
        .values()
        .forEach(page -> assertTrue(page.isReadOnly() && page.order() == ByteOrder.BIG_ENDIAN));
  }

  @Test
  void forksDoNotSeeEachOther() {
    LoadedModel model = load(keeping(Bypass.FREEZE_PROJECT));
    SequenceState one = model.newState(null);
    Ride ride = new Ride(model);
    List<Event> events = events(3, 3);
    ride.through(one, events.get(0));
    SequenceState fork = one.fork();
    SequenceState untouched = one.fork();
    float[][] expected = ride.through(one, events.get(1));
    Event other = Event.ofTokens(4, 4, 4).at(3);
    assertFalse(Arrays.deepEquals(expected, ride.through(untouched, other)));
    assertArrayEquals(expected, ride.through(fork, events.get(1)));
    one.close();
    one.close();
    ride.through(fork, events.get(2));
    assertEquals(9, fork.length());
    assertThrows(IllegalStateException.class, one::fork);
    assertThrows(IllegalStateException.class, () -> one.image(0));
    assertThrows(IllegalStateException.class, () -> ride.through(one, events.get(2)));
  }

  @Test
  void aCallThatFailsLeavesEveryStateAsItWas() {
    ModelSpec spec = keeping(Bypass.FREEZE_PROJECT);
    LoadedModel model = load(spec);
    SequenceState healthy = model.newState(null);
    SequenceState poisoned = model.newState(null);
    Ride ride = new Ride(model);
    List<Event> events = events(2, 3);
    ride.through(healthy, events.get(0));
    ride.through(poisoned, events.get(0));
    SequenceState before = healthy.fork();
    StateImage image = healthy.image(0);
    Event bad = Event.ofTokens(1, 99).at(3);
    assertThrows(
        IllegalArgumentException.class,
        () -> ride.through(List.of(healthy, poisoned), List.of(events.get(1), bad), Set.of()));
    assertEquals(image.pages(), healthy.image(0).pages());
    assertEquals(Map.of(), poisoned.image(poisoned.image(0).version()).pages());
    assertEquals(3, healthy.length());
    assertArrayEquals(ride.through(before, events.get(1)), ride.through(healthy, events.get(1)));
  }

  @Test
  void restoringRefusesWhatDoesNotFit() {
    LoadedModel model = load(keeping(Bypass.FREEZE_PROJECT));
    LoadedModel other = load(keeping(Bypass.FREEZE_SHARE_KV));
    SequenceState state = model.newState(null);
    new Ride(model).through(state, events(1, 3).get(0));
    StateImage image = state.image(0);
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> other.restore(image));
    String own = other.newState(null).image(0).signature();
    assertTrue(refused.getMessage().contains(image.signature()), refused.getMessage());
    assertTrue(refused.getMessage().contains(own), refused.getMessage());
    assertThrows(IllegalArgumentException.class, () -> model.restore(state.image(image.version())));
  }

  /** Two choices for each of six rows; the same experts that the trace names. */
  @Test
  void countersSayWhatWasComputed() {
    LoadedModel model = load(keeping(Bypass.FREEZE_PROJECT));
    Ride ride = new Ride(model);
    List<Event> events = events(1, 6);
    ride.through(List.of(model.newState(null)), events, Set.of(0, 4));
    assertEquals(
        List.of("blocks.1.mixture", "blocks.2.skip"),
        ride.choices.stream().map(Trace.Choices::path).toList());
    for (Trace.Choices choices : ride.choices) {
      int[] counted = new int[choices.ran().remaining()];
      for (int i = 0; i < choices.experts().remaining(); i++) {
        int expert = choices.experts().get(i);
        boolean frozen = i / choices.k() == 0 || i / choices.k() == 4;
        assertTrue(!frozen || expert == -1, "row " + i / choices.k());
        if (expert >= 0) {
          counted[expert]++;
        }
      }
      for (int e = 0; e < counted.length; e++) {
        assertEquals(counted[e], choices.ran().get(e), choices.path() + " member " + e);
      }
      assertEquals(choices.path().endsWith("skip") ? 1 : 2, choices.k());
    }
  }

  @Test
  void itemsOfACallCompeteWhereTheDescriptionLetsThem() {
    Capacity capacity =
        new Capacity.Limited(
            new Capacity.Size.Fixed(1), Capacity.Population.DISPATCH, Capacity.Priority.POSITION);
    FeedForward network = FeedForward.plain(6, Activation.GELU);
    ModelSpec spec =
        new ModelSpec(
            "competing",
            4,
            new Input.Tokens(5, 8),
            Embedding.plain(),
            Plan.of(Block.of(pre(new Mixture(2, network, Routers.switchTop1(capacity))))),
            new Head(Head.Pool.EACH, NORM, 3, true));
    LoadedModel model =
        new ReferenceBackend()
            .load(
                spec,
                Weights.random(spec, 1),
                LoadOptions.defaults().withLimit(anabranch.model.facts.Dependence.BATCH));
    assertEquals(List.of("accepted: results depend on the batch"), model.numerics().notes());
    List<Event> events = List.of(Event.ofTokens(1, 2), Event.ofTokens(1, 3, 2));
    Ride ride = new Ride(model);
    List<float[][]> answers = ride.through(Arrays.asList(null, null), events, Set.of());
    List<Oracle.Item> items = new ArrayList<>();
    for (Event event : events) {
      items.add(new Oracle.Item(null, List.of(event), Decisions.by(Map.of())));
    }
    List<Verdict> verdicts = new Oracle(spec, Weights.random(spec, 1)).run(items);
    int ran = 0;
    for (int n = 0; n < 2; n++) {
      for (int row = 0; row < verdicts.get(n).rows(); row++) {
        ran += verdicts.get(n).choice("blocks.0.mixture", row).experts().size();
        for (int i = 0; i < 3; i++) {
          assertEquals((float) verdicts.get(n).logits(row)[i], answers.get(n)[row][i]);
        }
      }
    }
    assertTrue(ran <= 2, ran + " rows ran in the call");
  }

  /**
   * Full attention keeps nothing for its own stage; a skip behind an exit shows again what rows
   * showed there, which they take along.
   */
  @Test
  void rowsTakeAlongWhatTheyShowed() {
    Head head = new Head(Head.Pool.EACH, NORM, 3, true);
    Attention attention = Attention.full(2, 2);
    Skip skip = new Skip(Routers.mixtureOfDepthsCausal(), attention, Bypass.FREEZE_SHARE_KV);
    FeedForward network = FeedForward.plain(6, Activation.GELU);
    ModelSpec spec =
        new ModelSpec(
            "carrying",
            4,
            new Input.Tokens(5, 64),
            Embedding.plain(),
            Plan.builder()
                .add(Block.of(pre(attention)))
                .add(new Exit("a", head, Criterion.margin(), Bypass.MASK))
                .add(Block.of(pre(network)))
                .add(new Exit("b", head, Criterion.margin(), Bypass.MASK))
                .add(Block.of(pre(skip)))
                .build(),
            head);
    Event event = events(1, 8).get(0);
    Verdict verdict = new Oracle(spec, Weights.random(spec, 7)).run(event, Decisions.by(Map.of()));
    long skipped =
        java.util.stream.IntStream.range(0, 8)
            .filter(row -> verdict.choice("blocks.2.skip", row).experts().isEmpty())
            .count();
    assertTrue(skipped > 0 && skipped < 8, skipped + " rows skip");
    LoadedModel model = load(spec);
    float[][] answers = new Ride(model).through(model.newState(null), event);
    for (int row = 0; row < 8; row++) {
      for (int i = 0; i < 3; i++) {
        assertEquals((float) verdict.logits(row)[i], answers[row][i], "row " + row);
      }
    }
  }

  @Test
  void tablesAreCheckedWhenAModelIsLoaded() {
    FeedForward network = FeedForward.plain(1, Activation.RELU);
    ModelSpec spec =
        Paper.spec(Paper.EACH, Plan.of(Paper.block(new Mixture(2, network, Routers.hashTable(2)))));
    Weights bad = Paper.weights(spec, Map.of("blocks.0.mixture.router.table", new float[] {0, 2}));
    WeightsException refused =
        assertThrows(
            WeightsException.class,
            () -> new ReferenceBackend().load(spec, bad, LoadOptions.defaults()));
    assertTrue(
        refused.getMessage().contains("blocks.0.mixture.router.table[1] 2.0"),
        refused.getMessage());
  }
}
