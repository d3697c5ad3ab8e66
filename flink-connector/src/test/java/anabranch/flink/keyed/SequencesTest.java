package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.engine.EngineOptions;
import anabranch.flink.step.OneResult;
import anabranch.flink.step.StepFactory;
import anabranch.flink.step.StepParts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Streams of words through one operator, and no failure. */
@Timeout(60)
class SequencesTest {
  private static final SequenceOptions DEFAULTS = SequenceOptions.defaults();

  private final Talk talk = new Talk();

  @AfterEach
  void everyModelIsClosed() {
    assertEquals(0, talk.openModels.get());
  }

  @ParameterizedTest
  @CsvSource({
    "1,0,1024,false",
    "2,12000,1024,false",
    "3,67108864,1024,true",
    "4,6000,3,true",
    "5,0,1,false"
  })
  void randomStreamsAreAnsweredAsByTheOracle(long seed, long cacheBytes, int held, boolean reuse)
      throws Exception {
    List<Word> words = Talk.words(seed, 300, 9);
    try (Stall stall = new Stall(talk, DEFAULTS.withCacheBytes(cacheBytes).withMaxHeld(held))) {
      if (reuse) {
        stall.getExecutionConfig().enableObjectReuse();
      }
      stall.open();
      stall.sayAll(words);
      stall.endInput();
      assertEquals(talk.expected(words), stall.results());
    }
  }

  @Test
  void nothingOfTheModelLeavesEveryRowAtTheSameExit() {
    List<Word> words = Talk.words(1, 300, 9);
    String all = String.join(" ", talk.expected(words));
    for (int exit = 0; exit < 3; exit++) {
      assertTrue(all.split(" " + exit + "@").length > 30, "rows left behind stage " + exit);
    }
  }

  @Test
  void recordsOfOneKeyNeverRunAtOnce() throws Exception {
    Set<SequenceState> running = ConcurrentHashMap.newKeySet();
    AtomicInteger overlaps = new AtomicInteger();
    talk.before =
        batch -> {
          List<SequenceState> states = batch.spans().stream().map(Span::state).toList();
          for (SequenceState state : states) {
            if (!running.add(state)) {
              overlaps.incrementAndGet();
            }
          }
          Thread.yield();
          running.removeAll(states);
        };
    List<Word> words = Talk.words(7, 300, 9);
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.sayAll(words);
      stall.endInput();
      assertEquals(talk.expected(words), stall.results());
    }
    assertEquals(0, overlaps.get());
  }

  @Test
  void recordsOfManyKeysShareABatch() throws Exception {
    AtomicInteger largest = new AtomicInteger();
    talk.before = batch -> largest.accumulateAndGet(batch.spans().size(), Math::max);
    EngineOptions patient = EngineOptions.defaults().withLinger(Duration.ofSeconds(30));
    StepFactory<Word, String> factory =
        KeyedSequenceInferenceOperator.factory(
            new StepParts<>(talk.recipe(patient), Stall.items(), new OneResult<>(Talk::text), null),
            DEFAULTS,
            Stall.marks());
    try (Stall stall = new Stall(factory, 1, 0)) {
      stall.open();
      for (int n = 0; n < 20; n++) {
        stall.say(Word.of("s" + n, 0, n));
        stall.say(Word.of("s" + n, 1, n));
      }
      stall.checkpoint();
      assertEquals(40, stall.results().size());
      assertEquals(20, largest.get(), "and a barrier waits for no linger");
    }
  }

  /** One key has all records: the engine would wait for others for longer than this may take. */
  @Test
  @Timeout(40)
  void aTaskThatCanBringNothingMoreWaitsForNoLingerOfTheEngine() throws Exception {
    EngineOptions patient = EngineOptions.defaults().withLinger(Duration.ofMinutes(1));
    StepFactory<Word, String> factory =
        KeyedSequenceInferenceOperator.factory(
            new StepParts<>(talk.recipe(patient), Stall.items(), new OneResult<>(Talk::text), null),
            DEFAULTS.withMaxHeld(3),
            Stall.marks());
    try (Stall stall = new Stall(factory, 1, 0)) {
      stall.open();
      for (int n = 0; n < 12; n++) {
        stall.say(Word.of("hot", n, n));
      }
      assertTrue(stall.results().size() >= 9, stall.results().size() + " of 12");
      stall.processWatermarkStatus(WatermarkStatus.IDLE);
      stall.outputs(13);
      assertEquals(12, stall.results().size());
    }
  }

  @Test
  void resultsKeepTheirTimesAndTheOrderOfRecords() throws Exception {
    List<Word> words = Talk.words(8, 100, 5);
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      for (int n = 0; n < words.size(); n++) {
        stall.processElement(new StreamRecord<>(words.get(n), 1000 + n));
      }
      stall.processElement(new StreamRecord<>(Word.of("timeless", 0, 1)));
      stall.endInput();
      List<Long> times =
          stall.getRecordOutput().stream()
              .filter(StreamRecord::hasTimestamp)
              .map(StreamRecord::getTimestamp)
              .toList();
      assertEquals(LongStream.range(1000, 1100).boxed().toList(), times);
      assertEquals(101, stall.results().size());
    }
  }

  @Test
  void noControlElementOvertakesARecord() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    talk.before = batch -> hold(go);
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.processWatermark(new Watermark(1));
      stall.say(Word.of("a", 0, 1, 2));
      stall.processWatermark(new Watermark(2));
      stall.say(Word.of("a", 1, 3));
      stall.say(Word.of("b", 0, 4));
      stall.processWatermarkStatus(WatermarkStatus.IDLE);
      assertEquals("Watermark", shape(stall));
      go.countDown();
      stall.endInput();
      assertEquals("Watermark a0 Watermark a1 b0 WatermarkStatus", shape(stall));
    }
  }

  private static String shape(Stall stall) {
    return stall.getOutput().stream()
        .map(
            output ->
                output instanceof StreamRecord<?> record
                    ? String.valueOf(record.getValue()).replaceAll(" .*", "")
                    : output.getClass().getSimpleName())
        .collect(Collectors.joining(" "));
  }

  static void hold(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }

  @Test
  void aSlowModelHoldsTheStreamBack() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    talk.before = batch -> hold(go);
    AtomicInteger said = new AtomicInteger();
    try (Stall stall = Stall.opened(talk, DEFAULTS.withMaxHeld(3))) {
      for (int n = 0; n < 3; n++) {
        stall.say(Word.of("s" + n, 0, n));
        said.incrementAndGet();
      }
      Thread releaser =
          new Thread(
              () -> {
                said.set(-said.get());
                go.countDown();
              });
      stall.runMails();
      assertFalse(stall.getTaskMailbox().hasMail());
      releaser.start();
      stall.say(Word.of("s3", 0, 3));
      assertEquals(-3, said.get(), "the fourth record waited for an answer");
      assertTrue(stall.results().size() >= 1);
      stall.endInput();
      assertEquals(4, stall.results().size());
    }
  }

  @Test
  void aLastRecordRemovesEverythingOfItsKey() throws Exception {
    List<Word> words =
        List.of(Word.of("a", 0, 1, 2), Word.of("b", 0, 3), Word.last("a", 1, 4), Word.last("b", 1));
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.sayAll(words.subList(0, 2));
      stall.checkpoint();
      assertTrue(stall.numKeyedStateEntries() >= 4);
      stall.sayAll(words.subList(2, 4));
      stall.outputs(4);
      assertEquals(0, stall.numKeyedStateEntries());
      assertEquals(0, stall.openSequences());
      List<Word> again = new ArrayList<>(words);
      again.add(Word.of("a", 2, 5));
      stall.say(again.get(4));
      stall.endInput();
      assertEquals(talk.expected(again), stall.results());
      assertEquals(2, stall.counts().ended.getCount());
    }
  }

  @Test
  void openSequencesStayWithinTheirBytes() throws Exception {
    List<Word> words = new ArrayList<>();
    for (int n = 0; n < 400; n++) {
      words.add(Word.of("s" + n % 40 + "-", n / 40, n % Talk.TOKENS, n / 10));
    }
    long bound = 12_000;
    try (Stall stall = Stall.opened(talk, DEFAULTS.withCacheBytes(bound).withMaxHeld(4))) {
      for (int n = 0; n < words.size(); n++) {
        stall.say(words.get(n));
        stall.outputs(n + 1);
        if (n % 40 == 39) {
          stall.checkpoint();
          assertTrue(stall.bytes() <= bound, () -> stall.bytes() + " bytes");
        }
      }
      assertEquals(talk.expected(words), stall.results());
      assertTrue(stall.counts().evicted.getCount() > 300);
      assertTrue(stall.openSequences() >= 1);
    }
  }

  @Test
  void aSequenceThatWaitsNowhereIsReadBackFromTheState() throws Exception {
    List<Word> words = Talk.words(9, 60, 4);
    try (Stall stall = Stall.opened(talk, DEFAULTS.withCacheBytes(0))) {
      for (int n = 0; n < words.size(); n++) {
        stall.say(words.get(n));
        stall.outputs(n + 1);
        assertEquals(0, stall.openSequences());
      }
      assertEquals(talk.expected(words), stall.results());
      assertTrue(stall.counts().resumed.getCount() > 20);
    }
  }

  /** A page of the reference backend holds sixteen positions. */
  @Test
  void onlyWhatChangedIsWrittenAgain() throws Exception {
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.say(Word.of("a", 0, new int[160]));
      stall.checkpoint();
      long pages = stall.counts().pages.getCount();
      assertTrue(pages >= 30, pages + " pages");
      stall.say(Word.of("a", 1, 1));
      stall.checkpoint();
      long more = stall.counts().pages.getCount() - pages;
      assertTrue(more >= 3 && more <= 8, more + " pages of " + pages);
      stall.checkpoint();
      assertEquals(pages + more, stall.counts().pages.getCount());
    }
  }

  /** A key and a value of eight bytes times eight, in three stages, for each row. */
  @Test
  void anOpenSequenceCountsWithAllThatItsStateHolds() throws Exception {
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.say(Word.of("a", 0, new int[100]));
      stall.checkpoint();
      assertEquals(1024 + 3 * 100 * 2 * 8 * 8, stall.bytes(), 1024);
      stall.say(Word.last("a", 1));
      stall.outputs(2);
      assertEquals(0, stall.bytes());
    }
  }

  @Test
  void aRecordThatIsUsedAgainUpstreamIsCopied() throws Exception {
    StepFactory<Word, String> factory =
        KeyedSequenceInferenceOperator.factory(
            new StepParts<>(
                talk.recipe(),
                Stall.items(),
                new OneResult<>((word, inferences) -> word.number() + ":" + word.tokens()[0]),
                null),
            DEFAULTS,
            Stall.marks());
    try (Stall stall = new Stall(factory, 1, 0)) {
      stall.getExecutionConfig().enableObjectReuse();
      stall.open();
      int[] reused = {1};
      for (int n = 0; n < 3; n++) {
        reused[0] = n + 10;
        stall.say(new Word("a", n, reused, false));
      }
      stall.endInput();
      assertEquals(List.of("0:10", "1:11", "2:12"), stall.results());
    }
  }

  @Test
  void anEmptyStreamEnds() throws Exception {
    try (Stall stall = Stall.opened(talk, DEFAULTS)) {
      stall.checkpoint();
      stall.endInput();
      assertEquals(List.of(), stall.results());
    }
  }
}
