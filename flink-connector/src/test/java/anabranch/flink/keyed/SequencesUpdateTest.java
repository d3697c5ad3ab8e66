package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.engine.EngineOptions;
import anabranch.engine.Policy;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Failures;
import anabranch.flink.step.OneResult;
import anabranch.flink.step.StepParts;
import anabranch.flink.update.ModelUpdate;
import java.time.Duration;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.util.FlinkException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Under which model and policy sequences go on while updates come. */
@Timeout(60)
class SequencesUpdateTest {
  private static final SequenceOptions DEFAULTS = SequenceOptions.defaults();

  private final Talk talk = new Talk();
  private final Talk next = new Talk(Talk.spec(12), 12);
  private final Talk last = new Talk(Talk.spec(8), 13);
  private final Talk more = new Talk(Talk.spec(8), 14);

  @AfterEach
  void everyModelIsClosed() {
    for (Talk each : List.of(talk, next, last, more)) {
      assertEquals(0, each.openModels.get());
    }
  }

  /** Under the new policy nothing leaves early, in sequences that are open, too. */
  @Test
  void anotherPolicyCountsFromTheNextBarrierOnAndBehindARestore() throws Exception {
    Policy patient = Policy.named("patient").with("one", 2).with("two", 2);
    int early = talk.leaving(0);
    OperatorSubtaskState state;
    try (Stall stall = updated()) {
      stall.open();
      stall.say(Word.of("a", 0, early));
      stall.update(ModelUpdate.policy(patient));
      stall.say(Word.of("b", 0, early));
      state = stall.checkpoint();
      stall.say(Word.of("a", 1, early));
      stall.say(Word.of("c", 0, early));
      stall.endInput();
      assertEquals("a0 early 0, b0 early 0, a1 patient 2, c0 patient 2", shape(stall));
    }
    try (Stall stall = updated()) {
      stall.setUp();
      stall.initializeState(state);
      stall.open();
      stall.say(Word.of("a", 1, early));
      stall.update(ModelUpdate.policy(Talk.EARLY));
      stall.checkpoint();
      stall.say(Word.of("c", 0, early));
      stall.update(ModelUpdate.policy(Policy.named("odd")));
      stall.endInput();
      assertEquals("a1 patient 2, c0 early 0", shape(stall));
      FlinkException refused =
          assertThrows(FlinkException.class, () -> stall.update(ModelUpdate.model("v2")));
      assertEquals(
          "the update to model \"v2\" cannot be applied: this step has no updates of its model",
          refused.getMessage());
    }
  }

  private Stall updated() throws Exception {
    Stall stall =
        new Stall(
            KeyedSequenceInferenceOperator.factory(
                new StepParts<>(
                    talk.recipe(),
                    Stall.items(),
                    new OneResult<>(
                        (word, some) ->
                            word.name() + " " + some.get(0).policy() + " " + some.get(0).exit(0)),
                    null,
                    true,
                    null),
                DEFAULTS,
                Stall.marks()),
            1,
            0);
    stall.enableCheckpoints();
    return stall;
  }

  private static String shape(Stall stall) {
    return String.join(", ", stall.results());
  }

  /** Models that answer otherwise: "talk", "next", "last" and "more". */
  private Stall versions(SequenceOptions options, @Nullable OperatorSubtaskState state)
      throws Exception {
    return versions(null, talk.recipe(), options, state);
  }

  private Stall versions(
      @Nullable Failures<Word, String> aside,
      ModelRecipe first,
      SequenceOptions options,
      @Nullable OperatorSubtaskState state)
      throws Exception {
    String second = next.name;
    String third = last.name;
    String fourth = more.name;
    Stall stall =
        new Stall(
            KeyedSequenceInferenceOperator.factory(
                new StepParts<>(
                    first,
                    Stall.items(),
                    new OneResult<>(
                        (word, some) -> some.get(0).version() + " " + Talk.text(word, some)),
                    aside,
                    true,
                    version ->
                        switch (version) {
                          case "next" -> Talk.named(second).recipe();
                          case "last" -> Talk.named(third).recipe();
                          case "more" -> Talk.named(fourth).recipe();
                          default -> throw new IllegalArgumentException("no folder " + version);
                        }),
                options,
                Stall.marks()),
            1,
            0);
    stall.enableCheckpoints();
    if (state != null) {
      stall.setUp();
      stall.initializeState(state);
    }
    stall.open();
    return stall;
  }

  private static String said(String version, Talk by, int word, Word... words) {
    return version + " " + by.expected(List.of(words)).get(word);
  }

  private static final Word A0 = Word.of("a", 0, 1, 2);
  private static final Word A1 = Word.of("a", 1, 3);
  private static final Word A2 = Word.of("a", 2, 4, 5);
  private static final Word B0 = Word.of("b", 0, 1, 2);
  private static final Word B1 = Word.of("b", 1, 3);
  private static final Word C0 = Word.of("c", 0, 7);

  @ParameterizedTest
  @ValueSource(longs = {0, 1 << 26})
  void aSequenceGoesOnUnderTheModelThatItBeganUnder(long cacheBytes) throws Exception {
    SequenceOptions options = DEFAULTS.withCacheBytes(cacheBytes);
    OperatorSubtaskState state;
    try (Stall stall = versions(options, null)) {
      stall.say(A0);
      serve(stall, "next");
      stall.sayAll(List.of(A1, B0));
      state = stall.checkpoint();
      assertEquals(
          List.of(
              said("talk", talk, 0, A0), said("talk", talk, 1, A0, A1), said("next", next, 0, B0)),
          stall.results());
      assertEquals(List.of("talk", "next"), stall.versions());
    }
    try (Stall stall = versions(options, state)) {
      assertEquals(List.of("next"), stall.versions(), "the other one is loaded when it is needed");
      stall.sayAll(List.of(B1, A2, C0));
      stall.endInput();
      assertEquals(
          List.of(
              said("next", next, 1, B0, B1),
              said("talk", talk, 2, A0, A1, A2),
              said("next", next, 0, C0)),
          stall.results());
    }
    assertEquals(0, next.openModels.get());
  }

  @Test
  void aModelThatNoRecordNeedsBetweenBarriersIsGivenBack() throws Exception {
    try (Stall stall = versions(DEFAULTS, null)) {
      stall.sayAll(List.of(A0, B0));
      serve(stall, "next");
      stall.say(A1);
      stall.checkpoint();
      assertEquals(1, talk.openModels.get());
      stall.checkpoint();
      assertEquals(0, talk.openModels.get());
      assertEquals(List.of("next"), stall.versions());
      assertEquals(0, stall.openSequences());
      assertEquals(0, stall.bytes());
      stall.sayAll(List.of(A2, B1));
      stall.endInput();
      assertEquals(
          List.of(said("talk", talk, 2, A0, A1, A2), said("talk", talk, 1, B0, B1)),
          stall.results().subList(3, 5));
      assertEquals(1, talk.openModels.get());
    }
  }

  @Test
  void noMoreModelsAreHeldThanAllowed() throws Exception {
    try (Stall stall = versions(DEFAULTS, null)) {
      stall.say(A0);
      serve(stall, "next");
      stall.say(B0);
      serve(stall, "last");
      stall.say(C0);
      assertEquals(List.of("next", "last"), stall.versions());
      for (Word word : List.of(A1, B1, A2)) {
        stall.say(word);
        assertEquals(1, talk.openModels.get() + next.openModels.get(), word.name());
      }
      stall.endInput();
      assertEquals(
          List.of(
              said("talk", talk, 0, A0),
              said("next", next, 0, B0),
              said("last", last, 0, C0),
              said("talk", talk, 1, A0, A1),
              said("next", next, 1, B0, B1),
              said("talk", talk, 2, A0, A1, A2)),
          stall.results());
    }
  }

  /** "a" is said later than "b", though its model is the older one. */
  @Test
  void theModelThatWasUsedLeastRecentlyMakesRoom() throws Exception {
    Word third = Word.of("a", 3, 6);
    try (Stall stall = versions(DEFAULTS.withMaxModels(3), null)) {
      stall.say(A0);
      serve(stall, "next");
      stall.sayAll(List.of(B0, A1));
      serve(stall, "last");
      assertEquals(List.of("talk", "next", "last"), stall.versions());
      stall.sayAll(List.of(B1, A2));
      serve(stall, "more");
      assertEquals(List.of("talk", "last", "more"), stall.versions());
      stall.say(third);
      stall.endInput();
      assertEquals(said("talk", talk, 3, A0, A1, A2, third), stall.results().get(5));
    }
  }

  /**
   * "a" owes rows that cannot be run, and its model has to make room for that of "b" when the next
   * record of "a" waits already: the sequence breaks, and begins anew with what waits.
   */
  @Test
  void aSequenceThatBreaksAsItsModelMakesRoomBeginsAnewWithWhatWaits() throws Exception {
    Word first = Word.of("a", 0, 1);
    Word early = earlyBehind(first);
    talk.poison(1, early.tokens()[0]);
    try (Stall stall = versions(DEFAULTS.withBroken(Continuation.RESTART), null)) {
      stall.say(first);
      serve(stall, "next");
      stall.say(B0);
      serve(stall, "last");
      assertEquals(List.of("next", "last"), stall.versions());
      Word third = Word.of("a", 2, 4, 5);
      Word fourth = Word.of("a", 3, 6);
      stall.sayAll(List.of(early, third, B1));
      assertEquals(1, stall.counts().broken.getCount());
      stall.outputs(5);
      stall.say(fourth);
      stall.endInput();
      assertEquals(
          List.of(
              said("talk", talk, 1, first, early),
              said("last", last, 0, third),
              said("next", next, 1, B0, B1),
              said("last", last, 1, third, fourth)),
          stall.results().subList(2, 6));
    }
  }

  /** Returns a second word that leaves behind the first stage. */
  private Word earlyBehind(Word first) {
    for (int token = 0; token < Talk.TOKENS; token++) {
      Word word = Word.of(first.speaker(), 1, token);
      boolean own = token != first.tokens()[0];
      if (own && talk.expected(List.of(first, word)).get(1).contains(" 0@")) {
        return word;
      }
    }
    throw new AssertionError("no token leaves behind the first stage");
  }

  @Test
  void sequencesBeginAgainUnderAModelThatIsSentAgain() throws Exception {
    try (Stall stall = versions(DEFAULTS, null)) {
      stall.say(A0);
      serve(stall, "next");
      stall.say(B0);
      serve(stall, "talk");
      stall.sayAll(List.of(A1, B1, C0));
      stall.endInput();
      assertEquals(
          List.of(
              said("talk", talk, 1, A0, A1),
              said("next", next, 1, B0, B1),
              said("talk", talk, 0, C0)),
          stall.results().subList(2, 5));
      assertEquals(List.of("next", "talk"), stall.versions());
    }
  }

  /** The job that goes on knows no recipe of the model that "a" began under. */
  @Test
  void sequencesOfAModelThatIsNotThereAreRefusedUnlessTheyAreDiscarded() throws Exception {
    OperatorSubtaskState state;
    try (Stall stall = versions(DEFAULTS, null)) {
      serve(stall, "next");
      stall.say(A0);
      serve(stall, "talk");
      stall.say(B0);
      state = stall.checkpoint();
    }
    FlinkException refused =
        assertThrows(
            FlinkException.class,
            () -> {
              try (Stall stall = Stall.restored(talk, DEFAULTS, state)) {
                stall.sayAll(List.of(A1, B1));
                stall.endInput();
              }
            });
    assertEquals(
        "a sequence cannot go on: model \"next\" is not there: this step has no updates of its"
            + " model; discardState() begins it anew",
        refused.getMessage());
    try (Stall stall = Stall.restored(talk, DEFAULTS.withDiscardState(true), state)) {
      stall.sayAll(List.of(A1, B1));
      stall.endInput();
      assertEquals(
          List.of(talk.expected(List.of(A1)).get(0), talk.expected(List.of(B0, B1)).get(1)),
          stall.results());
    }
  }

  /** Nothing is asked of a model for a sequence that is forgotten anyway. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anExpiredSequenceOfAModelThatIsNotThereIsNotRefused(boolean discards) throws Exception {
    SequenceOptions options = DEFAULTS.withTtl(Duration.ofSeconds(10)).withDiscardState(discards);
    OperatorSubtaskState state;
    try (Stall stall = versions(options, null)) {
      stall.setProcessingTime(1000);
      serve(stall, "next");
      stall.say(A0);
      serve(stall, "talk");
      state = stall.checkpoint();
    }
    try (Stall stall = new Stall(talk, options)) {
      stall.setUp();
      stall.setProcessingTime(11_000);
      stall.initializeState(state);
      stall.open();
      stall.say(A1);
      stall.endInput();
      assertEquals(talk.expected(List.of(A1)), stall.results());
      assertEquals(1, stall.counts().expired.getCount());
    }
  }

  /** A record that was refused left its number, and no rows that hold the sequence to a model. */
  @Test
  void aSequenceWhoseFirstRecordWasRefusedBeginsUnderTheModelOfTheNextOne() throws Exception {
    talk.poison(0, 13);
    OperatorSubtaskState state;
    try (Stall stall = versions(Stall.aside(), talk.recipe(), DEFAULTS, null)) {
      stall.say(Word.of("a", 0, 13));
      serve(stall, "next");
      stall.say(A1);
      state = stall.checkpoint();
      assertEquals(List.of(said("next", next, 0, A1)), stall.results());
    }
    try (Stall stall = versions(DEFAULTS, state)) {
      serve(stall, "talk");
      stall.say(A2);
      stall.endInput();
      assertEquals(List.of(said("next", next, 1, A1, A2)), stall.results());
    }
  }

  /** The engine would wait for others for longer than this may take. */
  @Test
  @Timeout(40)
  void anIdleStreamWithUpdatesWaitsForNoLingerOfTheEngine() throws Exception {
    EngineOptions patient = EngineOptions.defaults().withLinger(Duration.ofMinutes(1));
    try (Stall stall = versions(null, talk.recipe(patient), DEFAULTS, null)) {
      stall.say(A0);
      stall.idle();
      stall.outputs(2);
      assertEquals(List.of(said("talk", talk, 0, A0)), stall.results());
    }
  }

  /** A model is in service from the barrier behind its update on. */
  private static void serve(Stall stall, String model) throws Exception {
    stall.update(ModelUpdate.model(model));
    stall.checkpoint();
  }
}
