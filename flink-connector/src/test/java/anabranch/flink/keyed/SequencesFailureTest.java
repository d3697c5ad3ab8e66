package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.ExecutionException;
import anabranch.flink.ItemExtractor;
import anabranch.flink.step.NumberedEvents;
import anabranch.flink.step.OneResult;
import anabranch.flink.step.StepParts;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.util.ExceptionUtils;
import org.apache.flink.util.FlinkException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Records that cannot be answered, and sequences that cannot go on. */
@Timeout(60)
class SequencesFailureTest {
  private static final SequenceOptions DEFAULTS = SequenceOptions.defaults();
  private static final int POISON = 13;

  private final Talk talk = new Talk();
  private boolean hangs;

  @AfterEach
  void everyModelIsClosed() throws InterruptedException {
    Stall.await(() -> hangs || talk.openModels.get() == 0);
  }

  /** Returns the results of words that came with others that left no trace. */
  private List<String> without(List<Word> words, Predicate<Word> aside) {
    return talk.expected(words.stream().filter(aside.negate()).toList());
  }

  private static <T extends Throwable> T find(Throwable thrown, Class<T> type) {
    return ExceptionUtils.findThrowable(thrown, type).orElseThrow(() -> new AssertionError(thrown));
  }

  private Stall failing(SequenceOptions options) throws Exception {
    Stall stall =
        new Stall(
            KeyedSequenceInferenceOperator.factory(
                new StepParts<>(talk.recipe(), Stall.items(), new OneResult<>(Talk::text), null),
                options,
                Stall.marks()),
            1,
            0);
    stall.open();
    return stall;
  }

  @Test
  void aRecordThatCannotBeAnsweredFailsTheTask() throws Exception {
    talk.poison(0, POISON);
    Stall stall = failing(DEFAULTS);
    stall.say(Word.of("a", 0, 1));
    stall.say(Word.of("a", 1, POISON));
    Exception thrown = assertThrows(Exception.class, stall::endInput);
    assertTrue(
        find(thrown, ExecutionException.class).getMessage().contains("poison 13"),
        thrown.toString());
    stall.close();
  }

  /** Unreadable, outside of the vocabulary, refused by the first stage, and with too many rows. */
  @Test
  void aRefusedRecordGoesAsideAndItsSequenceGoesOn() throws Exception {
    talk.poison(0, POISON);
    ItemExtractor<Word> items =
        new NumberedEvents<>(
            (word, input) -> {
              if (word.tokens().length > 0 && word.tokens()[0] == 7) {
                throw new IOException("unreadable");
              }
              return Talk.events(word, input);
            });
    Marks<Word> marks = Stall.marks();
    List<Word> words = new ArrayList<>();
    int[] bad = {7, 1000, POISON};
    for (int n = 0; n < 24; n++) {
      words.add(Word.of("a", n, n % 4 == 3 ? bad[n / 4 % 3] : n % 6));
      words.add(Word.of("b", n, n % 5));
    }
    words.add(0, Word.of("c", 0, POISON));
    words.add(Word.of("c", 1, 1));
    try (Stall stall =
        new Stall(
            KeyedSequenceInferenceOperator.factory(
                new StepParts<>(talk.recipe(), items, new OneResult<>(Talk::text), Stall.aside()),
                DEFAULTS.withCacheBytes(4000),
                marks),
            1,
            0)) {
      stall.open();
      stall.sayAll(words);
      stall.endInput();
      Predicate<Word> refused =
          word -> word.tokens()[0] == 7 || word.tokens()[0] == 1000 || word.tokens()[0] == POISON;
      assertEquals(without(words, refused), stall.results());
      assertEquals(7, stall.asides().size());
      assertTrue(stall.asides().get(0).startsWith("c0: "), stall.asides().get(0));
      assertEquals("a3: unreadable", stall.asides().get(1));
      assertTrue(
          stall.asides().get(2).contains("event.token[0] 1000 is not in 0..39"),
          stall.asides().get(2));
      assertTrue(stall.asides().get(3).contains("poison 13"), stall.asides().get(3));
      assertEquals(0, stall.counts().broken.getCount());
      assertEquals(0, stall.counts().gaps.getCount());
    }
  }

  @Test
  void whatIsNoRecordsFaultFailsTheTaskAllTheSame() throws Exception {
    talk.before =
        batch -> {
          throw new NoClassDefFoundError("broken");
        };
    Stall stall = Stall.opened(talk, DEFAULTS.withBroken(Continuation.ASIDE));
    stall.say(Word.of("a", 0, 1));
    Exception thrown = assertThrows(Exception.class, stall::endInput);
    assertEquals("broken", find(thrown, NoClassDefFoundError.class).getMessage());
    stall.close();
  }

  /** The first chunk of the record is in the sequence, the second one is not. */
  private static final Word HALF = Word.of("a", 2, 1, 1000);

  private List<Word> broken() {
    return List.of(
        Word.of("a", 0, 1, 2),
        Word.of("b", 0, 3),
        Word.of("a", 1, 4),
        HALF,
        Word.of("a", 3, 5),
        Word.of("b", 1, 6),
        Word.of("a", 4, 7));
  }

  @Test
  void theNumberOfTheRecordThatBrokeASequenceIsKnown() throws Exception {
    try (Stall stall = Stall.opened(talk, DEFAULTS.withBroken(Continuation.ASIDE))) {
      stall.sayAll(broken().subList(0, 4));
      stall.endInput();
      assertEquals(1, stall.asides().size());
      stall.say(HALF);
      stall.endInput();
      assertEquals(1, stall.asides().size());
      assertEquals(1, stall.counts().duplicates.getCount());
    }
  }

  @Test
  void aBrokenSequenceFailsTheTask() throws Exception {
    Stall stall = Stall.opened(talk, DEFAULTS);
    stall.sayAll(broken());
    Exception thrown = assertThrows(Exception.class, stall::endInput);
    String message = find(thrown, BrokenSequenceException.class).getMessage();
    assertTrue(message.startsWith("sequence \"a\" broke: "), message);
    assertTrue(message.contains("event.token[0] 1000 is not in 0..39"), message);
    stall.close();
  }

  /** An event that the first stage took and the second one did not. */
  @Test
  void anEventThatFailsBetweenStagesBreaksItsSequence() throws Exception {
    int deep = talk.leaving(2);
    List<Word> words = List.of(Word.of("a", 0, deep), Word.of("a", 1, 2));
    talk.poison(1, deep);
    try (Stall stall = Stall.opened(talk, DEFAULTS.withBroken(Continuation.ASIDE))) {
      stall.sayAll(words);
      stall.endInput();
      assertEquals(List.of(), stall.results());
      assertEquals(2, stall.asides().size());
      assertTrue(stall.asides().get(0).contains("poison " + deep), stall.asides().get(0));
      assertEquals("a1: sequence \"a\" broke before", stall.asides().get(1));
    }
  }

  /** A row left early and was answered; what it owes to the second stage cannot be run. */
  @Test
  void aSequenceThatCannotBeSettledIsBroken() throws Exception {
    int early = talk.leaving(0);
    List<Word> words = List.of(Word.of("a", 0, early), Word.of("b", 0, early + 1));
    talk.poison(1, early);
    List<String> expected = talk.expected(words);
    OperatorSubtaskState state;
    SequenceOptions options = DEFAULTS.withBroken(Continuation.ASIDE);
    try (Stall stall = Stall.opened(talk, options)) {
      stall.sayAll(words);
      state = stall.checkpoint();
      assertEquals(expected, stall.results());
      assertEquals(1, stall.counts().broken.getCount());
    }
    try (Stall stall = Stall.restored(talk, options, state)) {
      stall.say(Word.of("a", 1, 2));
      stall.endInput();
      assertEquals(List.of("a1: sequence \"a\" broke before"), stall.asides());
    }
    Stall stall = Stall.opened(talk, DEFAULTS);
    stall.sayAll(words);
    Exception thrown = assertThrows(Exception.class, stall::checkpoint);
    find(thrown, BrokenSequenceException.class);
    stall.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1 << 26})
  void recordsOfABrokenSequenceGoAsideUntilItEnds(long cacheBytes) throws Exception {
    SequenceOptions options = DEFAULTS.withBroken(Continuation.ASIDE).withCacheBytes(cacheBytes);
    List<Word> words = broken();
    OperatorSubtaskState state;
    List<String> expected =
        talk.expected(List.of(words.get(0), words.get(1), words.get(2), words.get(5)));
    try (Stall stall = Stall.opened(talk, options)) {
      stall.sayAll(words);
      state = stall.checkpoint();
      assertEquals(expected, stall.results());
      List<String> asides = stall.asides();
      assertEquals(3, asides.size());
      assertTrue(asides.get(0).startsWith("a2: "), asides.get(0));
      assertEquals("a3: sequence \"a\" broke before", asides.get(1));
      assertEquals("a4: sequence \"a\" broke before", asides.get(2));
      assertEquals(1, stall.counts().broken.getCount());
    }
    try (Stall stall = Stall.restored(talk, options, state)) {
      stall.say(Word.of("a", 5, 8));
      stall.say(Word.last("a", 6, 9));
      stall.say(Word.of("a", 7, 10));
      stall.endInput();
      assertEquals(talk.expected(List.of(Word.of("a", 7, 10))), stall.results());
      assertEquals(2, stall.asides().size());
    }
  }

  @Test
  void aBrokenSequenceBeginsAnewWhereThatIsWanted() throws Exception {
    List<Word> words = broken();
    try (Stall stall = Stall.opened(talk, DEFAULTS.withBroken(Continuation.RESTART))) {
      stall.sayAll(words);
      stall.endInput();
      assertEquals(1, stall.asides().size());
      List<String> expected =
          new ArrayList<>(
              talk.expected(List.of(words.get(0), words.get(1), words.get(2), words.get(5))));
      List<String> anew = talk.expected(List.of(words.get(4), words.get(6)));
      expected.add(3, anew.get(0));
      expected.add(anew.get(1));
      assertEquals(expected, stall.results());
    }
  }

  @Test
  void aRecordThatComesAgainIsDroppedAlsoBehindARestore() throws Exception {
    List<Word> words =
        List.of(Word.of("a", 5, 1), Word.of("a", 6, 2), Word.of("a", 7, 3), Word.of("a", 8, 4));
    OperatorSubtaskState state;
    List<String> results = new ArrayList<>();
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.sayAll(List.of(words.get(0), words.get(0), words.get(1), words.get(0)));
      stall.say(words.get(2));
      state = stall.checkpoint();
      assertEquals(2, stall.counts().duplicates.getCount());
      results.addAll(stall.results());
    }
    try (Stall stall = Stall.restored(talk, DEFAULTS, state)) {
      stall.sayAll(words);
      stall.endInput();
      assertEquals(3, stall.counts().duplicates.getCount());
      results.addAll(stall.results());
    }
    assertEquals(talk.expected(words), results);
  }

  /** The record before it has no rows, or it is the first one. */
  @ParameterizedTest
  @CsvSource({"true,0", "true,67108864", "false,0", "false,67108864"})
  void theNumberOfARefusedRecordIsKnownThoughItsSequenceHasNoRows(boolean led, long cacheBytes)
      throws Exception {
    talk.poison(0, POISON);
    SequenceOptions options = DEFAULTS.withCacheBytes(cacheBytes).withGap(Continuation.ASIDE);
    Word refused = Word.of("a", 1, POISON);
    Word next = Word.of("a", 2, 1);
    OperatorSubtaskState state;
    try (Stall stall = Stall.opened(talk, options)) {
      if (led) {
        stall.say(Word.of("a", 0));
      }
      stall.sayAll(List.of(refused, refused));
      state = stall.checkpoint();
      assertEquals(1, stall.asides().size());
      stall.say(next);
      stall.endInput();
      assertEquals(talk.expected(List.of(next)).get(0), stall.results().get(led ? 1 : 0));
    }
    try (Stall stall = Stall.restored(talk, options, state)) {
      stall.sayAll(List.of(refused, Word.of("a", 7, 1), next));
      stall.endInput();
      assertEquals(1, stall.counts().duplicates.getCount());
      assertEquals(
          List.of("a7: sequence \"a\": number 7 does not follow the last one, 1"), stall.asides());
      assertEquals(talk.expected(List.of(next)), stall.results());
    }
  }

  /** The time to live of a number counts from the record that was refused. */
  @Test
  void theNumberOfARefusedFirstRecordExpires() throws Exception {
    talk.poison(0, POISON);
    try (Stall stall = Stall.opened(talk, DEFAULTS.withTtl(Duration.ofSeconds(10)))) {
      stall.setProcessingTime(1000);
      stall.say(Word.of("a", 0, POISON));
      stall.checkpoint();
      assertTrue(stall.numKeyedStateEntries() > 0);
      stall.setProcessingTime(11_000);
      assertEquals(0, stall.numKeyedStateEntries());
    }
  }

  @Test
  void aRecordThatComesAgainFailsTheTaskWhereThatIsWanted() throws Exception {
    Stall stall = Stall.opened(talk, DEFAULTS.withDropDuplicates(false));
    stall.say(Word.of("a", 0, 1));
    stall.say(Word.of("a", 0, 1));
    Exception thrown = assertThrows(Exception.class, stall::endInput);
    assertEquals(
        "sequence \"a\": number 0 came again, behind 0",
        find(thrown, FlinkException.class).getMessage());
    stall.close();
  }

  @Test
  void aMissingRecordFailsTheTask() throws Exception {
    Stall stall = Stall.opened(talk, DEFAULTS);
    stall.say(Word.of("a", 0, 1));
    stall.say(Word.of("a", 2, 1));
    Exception thrown = assertThrows(Exception.class, stall::endInput);
    assertEquals(
        "sequence \"a\": number 2 does not follow the last one, 0",
        find(thrown, SequenceGapException.class).getMessage());
    stall.close();
  }

  @Test
  void recordsBehindAGapGoAsideUntilTheMissingOneComes() throws Exception {
    List<Word> words = List.of(Word.of("a", 0, 1), Word.of("a", 1, 2), Word.of("a", 2, 3));
    try (Stall stall = Stall.opened(talk, DEFAULTS.withGap(Continuation.ASIDE))) {
      stall.say(words.get(0));
      stall.say(words.get(2));
      stall.say(Word.of("a", 3, 9));
      stall.say(words.get(1));
      stall.say(words.get(2));
      stall.endInput();
      assertEquals(talk.expected(words), stall.results());
      assertEquals(
          List.of(
              "a2: sequence \"a\": number 2 does not follow the last one, 0",
              "a3: sequence \"a\": number 3 does not follow the last one, 0"),
          stall.asides());
      assertEquals(2, stall.counts().gaps.getCount());
    }
  }

  @Test
  void aSequenceBeginsAnewBehindAGapWhereThatIsWanted() throws Exception {
    List<Word> before = List.of(Word.of("a", 0, 1), Word.of("a", 1, 2));
    List<Word> behind = List.of(Word.of("a", 4, 3), Word.of("a", 5, 4));
    try (Stall stall = Stall.opened(talk, DEFAULTS.withGap(Continuation.RESTART))) {
      stall.sayAll(before);
      stall.sayAll(behind);
      stall.endInput();
      List<String> expected = new ArrayList<>(talk.expected(before));
      expected.addAll(talk.expected(behind));
      assertEquals(expected, stall.results());
      assertEquals(List.of(), stall.asides());
    }
  }

  @Test
  void withoutNumbersEveryRecordIsTheNext() throws Exception {
    FilterFunction<Word> ends = Word::last;
    ItemExtractor<Word> items = Stall.items();
    Marks<Word> marks = new Marks<>(null, ends);
    List<Word> words = List.of(Word.of("a", 9, 1), Word.of("a", 3, 2), Word.of("a", 4, 3));
    try (Stall stall =
        new Stall(
            KeyedSequenceInferenceOperator.factory(
                new StepParts<>(talk.recipe(), items, new OneResult<>(Talk::text), null),
                DEFAULTS,
                marks),
            1,
            0)) {
      stall.open();
      stall.sayAll(words);
      stall.endInput();
      assertEquals(talk.expected(words), stall.results());
    }
  }

  @Test
  void aHungModelFailsTheTask() throws Exception {
    hangs = true;
    CountDownLatch go = new CountDownLatch(1);
    talk.before = batch -> SequencesTest.hold(go);
    Stall stall = Stall.opened(talk, DEFAULTS.withTimeout(Duration.ofSeconds(2)));
    stall.say(Word.of("a", 0, 1));
    stall.setProcessingTime(1999);
    Exception thrown = assertThrows(Exception.class, () -> stall.setProcessingTime(2000));
    assertEquals(
        "model \"talk\" on backend \"talking\" did not answer a record within PT2S",
        find(thrown, TimeoutException.class).getMessage());
    stall.close();
    stall.close();
    go.countDown();
    Stall.await(() -> talk.openModels.get() == 0);
  }

  /** The task did not come to read the mail of the answer: it waited for whoever takes results. */
  @Test
  void anAnswerThatTheTaskDidNotReadYetIsInTime() throws Exception {
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.say(Word.of("a", 0, 1));
      Stall.await(() -> stall.getTaskMailbox().hasMail());
      stall.setProcessingTime(10_000_000);
      stall.outputs(1);
      assertEquals(talk.expected(List.of(Word.of("a", 0, 1))), stall.results());
    }
  }

  @Test
  void anOperatorThatDidNotOpenCloses() throws Exception {
    Stall stall = new Stall(talk, DEFAULTS);
    stall.setUp();
    stall.close();
    stall.close();
  }
}
