package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.flink.keyed.state.AskedState;
import anabranch.model.layer.Attention;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.memory.MemCheckpointStreamFactory;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFinalizer;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFutures;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.util.FlinkException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What snapshots hold, and what goes on from them. */
@Timeout(60)
class SequencesStateTest {
  private static final SequenceOptions DEFAULTS = SequenceOptions.defaults();

  private final Talk talk = new Talk();

  @AfterEach
  void everyModelIsClosed() {
    assertEquals(0, talk.openModels.get());
  }

  /** The task has read no mail since its records came. */
  @Test
  void aBarrierFindsNothingInFlight() throws Exception {
    List<Word> words = Talk.words(1, 40, 5);
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.sayAll(words);
      stall.prepareSnapshotPreBarrier(1);
      assertEquals(talk.expected(words), stall.results());
    }
  }

  /** With a cache that holds everything, what sequences changed is nowhere but in the cache. */
  @ParameterizedTest
  @ValueSource(longs = {0, 8000, 1 << 26})
  void aSnapshotHasAllThatCameBeforeItsBarrier(long cacheBytes) throws Exception {
    SequenceOptions options = DEFAULTS.withCacheBytes(cacheBytes);
    List<Word> words = Talk.words(2, 300, 7);
    List<String> results = new ArrayList<>();
    OperatorSubtaskState state;
    try (Stall stall = Stall.opened(talk, options)) {
      stall.sayAll(words.subList(0, 100));
      state = stall.checkpoint();
      stall.sayAll(words.subList(100, 140));
      state = stall.checkpoint();
      results.addAll(stall.results());
      stall.sayAll(words.subList(140, 200));
      stall.endInput();
    }
    try (Stall stall = Stall.restored(talk, options, state)) {
      stall.sayAll(words.subList(140, 300));
      stall.endInput();
      results.addAll(stall.results());
    }
    assertEquals(talk.expected(words), results);
  }

  /** The first row leaves behind the first stage, and what it owes is not run until asked for. */
  @Test
  void aSnapshotHasWhatRowsThatLeftEarlyOwed() throws Exception {
    List<Word> words =
        List.of(Word.of("a", 0, talk.leaving(0)), Word.of("a", 1, talk.leaving(2), 1, 2, 3));
    List<String> expected = talk.expected(words);
    assertTrue(expected.get(0).contains(" 0@"), expected.get(0));
    assertTrue(expected.get(1).contains(" 2@"), expected.get(1));
    OperatorSubtaskState state;
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.say(words.get(0));
      state = stall.checkpoint();
      assertEquals(expected.subList(0, 1), stall.results());
    }
    try (Stall stall = Stall.restored(talk, DEFAULTS, state)) {
      stall.say(words.get(1));
      stall.endInput();
      assertEquals(expected.subList(1, 2), stall.results());
    }
  }

  /** Pages are filled up and written again between the two parts of the snapshot. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1 << 26})
  void whatComesBehindABarrierIsNotInItsSnapshot(long cacheBytes) throws Exception {
    SequenceOptions options = DEFAULTS.withCacheBytes(cacheBytes);
    List<Word> words = new ArrayList<>();
    for (int n = 0; n < 12; n++) {
      words.add(Word.of("a", n, n, n + 1));
      words.add(Word.of("b", n, n + 2));
    }
    OperatorSubtaskState first;
    try (Stall stall = Stall.opened(talk, options)) {
      stall.sayAll(words.subList(0, 8));
      stall.prepareSnapshotPreBarrier(1);
      OperatorSnapshotFutures running = synchronousPart(stall, 1);
      stall.sayAll(words.subList(8, 16));
      stall.prepareSnapshotPreBarrier(2);
      OperatorSnapshotFutures second = synchronousPart(stall, 2);
      first = OperatorSnapshotFinalizer.create(running).getJobManagerOwnedState();
      OperatorSnapshotFinalizer.create(second);
    }
    try (Stall stall = Stall.restored(talk, options, first)) {
      stall.sayAll(words.subList(8, 24));
      stall.endInput();
      assertEquals(talk.expected(words).subList(8, 24), stall.results());
    }
  }

  private static OperatorSnapshotFutures synchronousPart(Stall stall, long id) throws Exception {
    return stall
        .getOperator()
        .snapshotState(
            id,
            id,
            CheckpointOptions.forCheckpointWithDefaultLocation(),
            new MemCheckpointStreamFactory(1 << 26));
  }

  @Test
  void keysGoOnAtAnyParallelism() throws Exception {
    List<Word> words = Talk.words(3, 360, 12);
    Map<String, String> results = new TreeMap<>();
    OperatorSubtaskState state = run(words.subList(0, 120), 1, 1, null, results);
    state = run(words.subList(120, 240), 1, 3, state, results);
    run(words.subList(240, 360), 3, 2, state, results);
    Map<String, String> expected = new TreeMap<>();
    talk.expected(words).forEach(text -> expected.put(text.replaceAll(" .*", ""), text));
    assertEquals(expected, results);
    assertEquals(360, results.size());
  }

  /** Runs words in several subtasks; returns what all of them leave. */
  private OperatorSubtaskState run(
      List<Word> words,
      int before,
      int parallelism,
      OperatorSubtaskState state,
      Map<String, String> results)
      throws Exception {
    OperatorSubtaskState[] left = new OperatorSubtaskState[parallelism];
    for (int index = 0; index < parallelism; index++) {
      try (Stall stall = new Stall(talk, DEFAULTS.withCacheBytes(9000), parallelism, index)) {
        stall.setUp();
        if (state != null) {
          stall.initializeState(Stall.share(state, before, parallelism, index));
        }
        stall.open();
        for (Word word : words) {
          int subtask =
              KeyGroupRangeAssignment.assignKeyToParallelOperator(
                  word.speaker(), Stall.GROUPS, parallelism);
          if (subtask == index) {
            stall.say(word);
          }
        }
        left[index] = stall.checkpoint();
        stall.results().forEach(text -> results.put(text.replaceAll(" .*", ""), text));
      }
    }
    return AbstractStreamOperatorTestHarness.repackageState(left);
  }

  @Test
  void aChangedModelIsRefusedUnlessItsStateIsDiscarded() throws Exception {
    Talk other = new Talk(Talk.spec(16));
    List<Word> words = Talk.words(4, 60, 5);
    OperatorSubtaskState state;
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.sayAll(words);
      state = stall.checkpoint();
    }
    FlinkException refused =
        assertThrows(FlinkException.class, () -> Stall.restored(other, DEFAULTS, state));
    String message = refused.getMessage();
    assertTrue(
        message.startsWith(
            "the state of sequences is not of model \"talk\" on backend \"talking\""),
        message);
    assertTrue(message.contains("does not fit"), message);
    assertTrue(message.contains("discardState()"), message);
    List<Word> anew = new ArrayList<>();
    words.forEach(word -> anew.add(Word.of(word.speaker() + "-", word.number(), word.tokens())));
    try (Stall stall = Stall.restored(other, DEFAULTS.withDiscardState(true), state)) {
      assertEquals(0, stall.numKeyedStateEntries());
      for (Word word : anew) {
        stall.say(
            new Word(word.speaker().replaceAll("-$", ""), word.number(), word.tokens(), false));
      }
      stall.endInput();
      assertEquals(other.expected(anew).size(), stall.results().size());
    }
    try (Stall stall = Stall.restored(talk, DEFAULTS.withDiscardState(true), state)) {
      assertTrue(stall.numKeyedStateEntries() > 0, "what fits is kept");
    }
    assertEquals(0, other.openModels.get());
  }

  /** The window is 12 rows, and pages of the reference backend have 16. */
  @Test
  void theStateOfALongKeyStaysFlatWhereAttentionsHaveWindows() throws Exception {
    Talk windowed = new Talk(Talk.spec(8, Attention.causal(2, 4).withWindow(12)));
    List<Word> words = new ArrayList<>();
    for (int n = 0; n < 160; n++) {
      words.add(Word.of("a", n, n % Talk.TOKENS, 3 * n % Talk.TOKENS, n % 7));
    }
    List<String> results = new ArrayList<>();
    List<Long> bytes = new ArrayList<>();
    OperatorSubtaskState state = null;
    for (int from = 0; from < words.size(); from += 40) {
      try (Stall stall =
          state == null
              ? Stall.opened(windowed, DEFAULTS)
              : Stall.restored(windowed, DEFAULTS, state)) {
        for (int n = from; n < from + 40; n += 5) {
          stall.sayAll(words.subList(n, n + 5));
          state = stall.checkpoint();
          bytes.add(state.getStateSize());
        }
        results.addAll(stall.results());
        // What comes behind the last checkpoint is lost, and said again.
        if (from + 45 <= words.size()) {
          stall.sayAll(words.subList(from + 40, from + 45));
        }
      }
    }
    assertEquals(windowed.expected(words), results);
    long first = bytes.subList(0, 8).stream().mapToLong(x -> x).max().orElseThrow();
    long later = bytes.subList(8, 32).stream().mapToLong(x -> x).max().orElseThrow();
    assertTrue(later <= 1.1 * first, () -> "bytes of checkpoints: " + bytes);
    assertEquals(0, windowed.openModels.get());
  }

  @Test
  void aSequenceExpiresBehindItsLastRecord() throws Exception {
    SequenceOptions options = DEFAULTS.withTtl(Duration.ofSeconds(10));
    for (long cacheBytes : new long[] {0, 1 << 26}) {
      try (Stall stall = Stall.opened(talk, options.withCacheBytes(cacheBytes))) {
        stall.setProcessingTime(1000);
        stall.say(Word.of("a", 0, 1));
        stall.say(Word.of("b", 0, 1));
        stall.outputs(2);
        stall.checkpoint();
        stall.setProcessingTime(9000);
        stall.say(Word.of("a", 1, 2));
        stall.outputs(3);
        stall.setProcessingTime(18_999);
        stall.runMails();
        assertEquals(1, stall.counts().expired.getCount(), "b");
        stall.say(Word.of("a", 2, 3));
        stall.outputs(4);
        stall.setProcessingTime(28_998);
        assertTrue(stall.numKeyedStateEntries() > 0);
        stall.setProcessingTime(28_999);
        assertEquals(0, stall.numKeyedStateEntries());
        assertEquals(0, stall.openSequences());
        stall.say(Word.of("a", 3, 4));
        stall.outputs(5);
        List<Word> whole = List.of(Word.of("a", 0, 1), Word.of("a", 1, 2), Word.of("a", 2, 3));
        assertEquals(talk.expected(whole).get(2), stall.results().get(3));
        assertEquals(talk.expected(List.of(Word.of("a", 3, 4))).get(0), stall.results().get(4));
      }
    }
  }

  /** The clock stands still while nothing runs; the timers of before fire when it goes on. */
  @Test
  void aRestoredSequenceExpiresToo() throws Exception {
    SequenceOptions options = DEFAULTS.withTtl(Duration.ofSeconds(10));
    OperatorSubtaskState state;
    try (Stall stall = Stall.opened(talk, options)) {
      stall.setProcessingTime(1000);
      stall.say(Word.of("a", 0, 1));
      stall.say(Word.of("b", 0, 1));
      state = stall.checkpoint();
    }
    try (Stall stall = Stall.restored(talk, options, state)) {
      stall.setProcessingTime(10_999);
      assertTrue(stall.numKeyedStateEntries() > 0);
      stall.say(Word.of("a", 1, 2));
      stall.outputs(1);
      stall.setProcessingTime(11_000);
      assertEquals(1, stall.counts().expired.getCount(), "b");
      stall.setProcessingTime(20_999);
      assertEquals(0, stall.numKeyedStateEntries());
      assertEquals(2, stall.counts().expired.getCount());
      assertEquals(
          talk.expected(List.of(Word.of("a", 0, 1), Word.of("a", 1, 2))).get(1),
          stall.results().get(0));
    }
  }

  /** There is no timer in state of a job without a time to live. */
  @Test
  void aTimeToLiveThatIsNewCountsFromTheLastRecord() throws Exception {
    OperatorSubtaskState state;
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.setProcessingTime(1000);
      stall.say(Word.of("a", 0, 1));
      stall.say(Word.of("b", 0, 1));
      state = stall.checkpoint();
    }
    SequenceOptions options = DEFAULTS.withTtl(Duration.ofSeconds(10));
    try (Stall stall = Stall.restored(talk, options, state)) {
      stall.setProcessingTime(10_999);
      stall.say(Word.of("a", 1, 2));
      stall.outputs(1);
      stall.setProcessingTime(11_000);
      stall.say(Word.of("b", 1, 2));
      stall.outputs(2);
      List<Word> whole = List.of(Word.of("a", 0, 1), Word.of("a", 1, 2), Word.of("b", 1, 2));
      assertEquals(talk.expected(whole).subList(1, 3), stall.results());
      stall.setProcessingTime(21_000);
      assertEquals(0, stall.numKeyedStateEntries());
      assertEquals(3, stall.counts().expired.getCount());
    }
  }

  /** On RocksDB, to look for pages costs more than to write one. */
  @Test
  void aSequenceThatWasNotWrittenIsNotRemoved() throws Exception {
    AskedState state = new AskedState();
    OpenSequences<Word> sequences =
        new OpenSequences<>(
            state.store(),
            SequenceOptions.defaults(),
            Object::toString,
            () -> 0,
            null,
            open -> new SequenceMetrics(new UnregisteredMetricsGroup(), open::open, open::bytes));
    Line<Word> line = sequences.line("a");
    sequences.know(line);
    sequences.drop(line);
    assertEquals(List.of("value header"), state.calls);
  }
}
