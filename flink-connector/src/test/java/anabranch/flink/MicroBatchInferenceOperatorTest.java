package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.EngineOptions;
import anabranch.engine.Item;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.Leases;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.watermark.LongWatermark;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributesBuilder;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MicroBatchInferenceOperatorTest {
  private static final MicroBatchOptions PAIRS =
      MicroBatchOptions.defaults().withBatchRecords(2).withLinger(Duration.ofMillis(10));
  private static final MicroBatchOptions SINGLES = PAIRS.withBatchRecords(1);

  private final Script script = new Script();

  @AfterEach
  void everyModelIsClosed() throws InterruptedException {
    Bench.await(() -> script.openModels.get() == 0);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void everyRecordGetsItsResultOnceWithItsTimestamp(boolean ordered) throws Exception {
    try (Bench bench = open(PAIRS.withOrder(ordered))) {
      bench.processElement(new StreamRecord<>(new int[] {4, 5}, 77));
      bench.processElement(new StreamRecord<>(new int[] {6}));
      bench.processElement(new StreamRecord<>(new int[] {}, 78));
      bench.processElement(new StreamRecord<>(new int[] {7, 1, 1, 1, 1, 1, 1, 1, 8, 2}, 79));
      bench.endInput();
      List<StreamRecord<? extends String>> records =
          new ArrayList<>(bench.extractOutputStreamRecords());
      records.sort((a, b) -> Long.compare(stamp(a), stamp(b)));
      assertEquals(
          List.of(
              new StreamRecord<>(Tokens.expected(6)),
              new StreamRecord<>(Tokens.expected(4, 5), 77),
              new StreamRecord<>(Tokens.expected(), 78),
              new StreamRecord<>("[7, 1, 1, 1, 1, 1, 1, 1, 8, 2] 14@1 10@2", 79)),
          records);
    }
  }

  private static long stamp(StreamRecord<?> record) {
    return record.hasTimestamp() ? record.getTimestamp() : -1;
  }

  @Test
  void orderedResultsWaitForTheBatchBeforeThem() throws Exception {
    script.block(1);
    try (Bench bench = open(PAIRS)) {
      bench.feed(1);
      bench.feed(2);
      bench.feed(3);
      bench.feed(4);
      bench.awaitMail();
      assertEquals("", bench.shape());
      script.release(1);
      bench.outputs(4);
      assertEquals("[1] [2] [3] [4]", bench.shape());
    }
  }

  @Test
  void orderedResultsKeepTheirOrderWhateverTheBatchesTake() throws Exception {
    SplittableRandom random = new SplittableRandom(5);
    script.before =
        token -> {
          synchronized (random) {
            if (random.nextInt(4) > 0) {
              return;
            }
          }
          sleep(2);
        };
    try (Bench bench = open(PAIRS.withBatchRecords(3).withMaxInFlight(6))) {
      List<String> expected = new ArrayList<>();
      for (int n = 0; n < 400; n++) {
        bench.feed(n, n % 7);
        expected.add(Tokens.expected(n, n % 7));
      }
      bench.endInput();
      assertEquals(expected, bench.results());
    }
  }

  @Test
  void unorderedResultsLeaveWhenTheirOwnAnswersAreThereButNotAcrossAWatermark() throws Exception {
    script.block(1);
    try (Bench bench = open(PAIRS.withOrder(false))) {
      bench.feed(1);
      bench.feed(2);
      bench.outputs(1);
      assertEquals("[2]", bench.shape(), "of the same batch");
      bench.feed(3);
      bench.feed(4);
      bench.outputs(3);
      bench.processWatermark(new Watermark(9));
      bench.feed(5);
      bench.feed(6);
      bench.awaitMail();
      assertEquals(3, bench.getOutput().size());
      script.release(1);
      bench.outputs(7);
      String shape = bench.shape();
      assertTrue(shape.matches("\\[2] \\[[34]] \\[[34]] \\[1] Watermark \\[[56]] \\[[56]]"), shape);
    }
  }

  /** One batch of the engine: 3 and 6 leave the model behind the first stage, the others do not. */
  @Test
  void unorderedResultsOfRecordsThatLeftEarlyAreEmittedWhileTheirBatchGoesOn() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    script.deep =
        token -> {
          try {
            go.await();
          } catch (InterruptedException stop) {
            throw new IllegalStateException(stop);
          }
        };
    var patient = script.recipe(EngineOptions.defaults().withLinger(Duration.ofMillis(50)));
    for (boolean ordered : new boolean[] {false, true}) {
      try (Bench bench = new Bench(patient, PAIRS.withBatchRecords(4).withOrder(ordered))) {
        bench.open();
        bench.feed(1);
        bench.feed(3);
        bench.feed(2);
        bench.feed(6);
        if (!ordered) {
          bench.outputs(2);
          assertEquals("[3] [6]", bench.shape());
          go.countDown();
        }
        bench.endInput();
        assertEquals(ordered ? "[1] [3] [2] [6]" : "[3] [6] [1] [2]", bench.shape());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void controlElementsKeepTheirPlaces(boolean ordered) throws Exception {
    script.block(1);
    try (Bench bench = open(PAIRS.withOrder(ordered).withBatchRecords(3))) {
      bench.processWatermark(new Watermark(0));
      bench.processWatermarkStatus(WatermarkStatus.IDLE);
      bench.processWatermarkStatus(WatermarkStatus.ACTIVE);
      assertEquals("Watermark WatermarkStatus WatermarkStatus", bench.shape());
      bench.getOutput().clear();
      bench.feed(1);
      bench.processWatermark(new Watermark(1));
      bench.feed(2);
      bench.processWatermarkStatus(WatermarkStatus.IDLE);
      bench.feed(3);
      bench.getOneInputOperator().processLatencyMarker(new LatencyMarker(5, new OperatorID(), 0));
      bench.processRecordAttributes(
          new RecordAttributesBuilder(List.of()).setBacklog(true).build());
      bench
          .getOneInputOperator()
          .processWatermark(new WatermarkEvent(new LongWatermark(7, "general"), false));
      bench.feed(4);
      bench.feed(5);
      bench.processWatermark(new Watermark(2));
      bench.feed(6);
      bench.awaitMail();
      assertEquals("", bench.shape());
      script.release(1);
      bench.endInput();
      String shape = bench.shape();
      assertEquals(
          "[1] Watermark [2] WatermarkStatus [3] LatencyMarker RecordAttributes WatermarkEvent"
              + " [4] [5] Watermark [6]",
          ordered ? shape : shape.replace("[5] [4]", "[4] [5]"));
    }
  }

  @Test
  void controlElementsOfAHungBatchHoldTheStreamBack() throws Exception {
    script.block(1);
    AtomicInteger sent = new AtomicInteger();
    try (Bench bench = open(SINGLES)) {
      bench.feed(1);
      Thread releaser = whenStuck(sent, () -> script.release(1));
      for (int mark = 1; mark <= 5000; mark++) {
        bench.processWatermark(new Watermark(mark));
        sent.incrementAndGet();
      }
      releaser.join();
      assertEquals(1024, stuckAt.get());
      assertEquals(5001, bench.getOutput().size());
    }
  }

  @Test
  void aFullBatchRunsAtOnce() throws Exception {
    try (Bench bench = open(PAIRS)) {
      bench.feed(1);
      assertFalse(bench.getTaskMailbox().hasMail());
      bench.feed(2);
      bench.outputs(2);
    }
  }

  @Test
  void aPartialBatchRunsAfterTheLingerOfItsFirstRecord() throws Exception {
    try (Bench bench = open(PAIRS.withBatchRecords(9))) {
      bench.setProcessingTime(100);
      bench.feed(1);
      bench.setProcessingTime(105);
      bench.feed(2);
      bench.setProcessingTime(109);
      assertEquals(List.of(), List.copyOf(script.ran));
      bench.setProcessingTime(110);
      bench.outputs(2);
    }
  }

  @Test
  void theLingerOfAFullBatchDoesNotEndTheNext() throws Exception {
    try (Bench bench = open(PAIRS)) {
      bench.feed(1);
      bench.setProcessingTime(5);
      bench.feed(2);
      bench.feed(3);
      bench.outputs(2);
      bench.setProcessingTime(14);
      assertEquals(List.of(1, 2), script.ran.stream().sorted().toList());
      bench.setProcessingTime(15);
      bench.outputs(3);
    }
  }

  @Test
  void aWatermarkEndsABatchWhereAskedTo() throws Exception {
    try (Bench bench = open(PAIRS)) {
      bench.feed(1);
      bench.processWatermark(new Watermark(1));
      assertEquals(List.of(), List.copyOf(script.ran));
      bench.endInput();
    }
    script.ran.clear();
    try (Bench bench = open(PAIRS.withFlushAtWatermark(true))) {
      bench.feed(1);
      bench.processWatermark(new Watermark(1));
      bench.outputs(2);
      assertEquals("[1] Watermark", bench.shape());
    }
  }

  @Test
  void theEndOfTheInputEndsABatch() throws Exception {
    try (Bench bench = open(PAIRS.withBatchRecords(9))) {
      bench.feed(1);
      bench.feed(2);
      bench.feed(3);
      assertEquals(List.of(), List.copyOf(script.ran));
      bench.endInput();
      assertEquals("[1] [2] [3]", bench.shape());
    }
  }

  /** The engine itself would wait for company, for half a minute. */
  @Test
  @Timeout(20)
  void aBarrierWaitsForNoLingerOfTheEngine() throws Exception {
    var patient = script.recipe(EngineOptions.defaults().withLinger(Duration.ofSeconds(30)));
    try (Bench bench = new Bench(patient, PAIRS)) {
      bench.open();
      bench.feed(1);
      bench.prepareSnapshotPreBarrier(1);
      assertEquals("[1]", bench.shape());
    }
  }

  @Test
  void nothingIsInFlightBehindABarrierAndThereIsNoState() throws Exception {
    script.before = token -> sleep(20);
    try (Bench bench = open(PAIRS)) {
      for (int n = 1; n <= 5; n++) {
        bench.feed(n);
      }
      bench.processWatermark(new Watermark(9));
      bench.prepareSnapshotPreBarrier(1);
      assertEquals("[1] [2] [3] [4] [5] Watermark", bench.shape());
      OperatorSubtaskState state = bench.snapshot(1, 1);
      assertFalse(state.hasState());
    }
  }

  @Test
  void aBatchEndsBeforeItHasTooManyRowsAndALongRecordRunsAlone() throws Exception {
    try (Bench bench = open(PAIRS.withBatchRecords(9).withBatchRows(4))) {
      bench.feed(1, 1, 1);
      bench.feed(2, 2);
      bench.outputs(1);
      assertEquals(List.of(1), List.copyOf(script.ran));
      bench.feed(3, 3);
      bench.outputs(3);
      bench.feed(4);
      bench.feed(5, 5, 5, 5, 5, 5, 5, 5, 5, 5);
      bench.outputs(5);
      assertEquals("[1, [2, [3, [4] [5,", bench.shape());
    }
  }

  private final AtomicInteger stuckAt = new AtomicInteger();

  @Test
  void aBlockedModelHoldsTheStreamBack() throws Exception {
    script.block(1);
    AtomicInteger fed = new AtomicInteger();
    try (Bench bench = open(PAIRS.withMaxInFlight(3))) {
      Thread releaser = whenStuck(fed, () -> script.release(1));
      for (int n = 1; n <= 40; n++) {
        bench.feed(n);
        fed.incrementAndGet();
      }
      releaser.join();
      assertEquals(3 * 2 + 1, stuckAt.get());
      bench.endInput();
      assertEquals(40, bench.results().size());
    }
  }

  @Test
  void doneBatchesThatWaitForTheirTurnCountAsInFlight() throws Exception {
    script.block(1);
    AtomicInteger fed = new AtomicInteger();
    try (Bench bench = open(SINGLES.withMaxInFlight(2))) {
      Thread releaser = whenStuck(fed, () -> script.release(1));
      for (int n = 1; n <= 10; n++) {
        bench.feed(n);
        fed.incrementAndGet();
      }
      releaser.join();
      assertEquals(2, stuckAt.get());
      bench.endInput();
    }
  }

  @Test
  void aFullQueueOfTheEngineHoldsTheStreamBackWithoutLoss() throws Exception {
    script.block(1);
    AtomicInteger fed = new AtomicInteger();
    var narrow = script.recipe(EngineOptions.defaults().withBatchRows(1).withQueueItems(1));
    try (Bench bench = new Bench(narrow, SINGLES.withMaxInFlight(100))) {
      bench.open();
      Thread releaser = whenStuck(fed, () -> script.release(1));
      for (int n = 1; n <= 20; n++) {
        bench.feed(n);
        fed.incrementAndGet();
      }
      releaser.join();
      assertTrue(stuckAt.get() <= 2, "fed " + stuckAt.get());
      bench.endInput();
      assertEquals(20, bench.results().size());
    }
  }

  /** The engine would wait for longer than this test may take. */
  @Test
  @Timeout(40)
  void aTaskThatCanBringNothingMoreWaitsForNoLingerOfTheEngine() throws Exception {
    var patient = script.recipe(EngineOptions.defaults().withLinger(Duration.ofMinutes(1)));
    try (Bench bench = new Bench(patient, PAIRS.withMaxInFlight(2))) {
      bench.open();
      for (int n = 1; n <= 9; n++) {
        bench.feed(n);
      }
      bench.outputs(4);
      bench.setProcessingTime(bench.getProcessingTime() + 10);
      bench.outputs(9);
    }
  }

  /** Nothing of this task is in the engine: only the engine can tell it to go on. */
  @Test
  void aTaskThatWaitsForRoomSleepsUntilTheEngineTellsIt() throws Exception {
    script.block(1);
    var narrow =
        script.recipe(EngineOptions.defaults().withBatchRows(1).withQueueItems(1).withLanes(1));
    try (EngineLease other = EngineLease.take(narrow, getClass().getClassLoader())) {
      other.engine().submit(Item.of("other", Event.ofTokens(1)));
      Bench.await(() -> script.ran.contains(1));
      while (other.engine().offer(Item.of("more", Event.ofTokens(2))).isPresent()) {}
      List<String> results = new CopyOnWriteArrayList<>();
      Thread task =
          new Thread(
              () -> {
                try (Bench bench = new Bench(narrow, SINGLES)) {
                  bench.open();
                  bench.feed(5);
                  bench.endInput();
                  results.addAll(bench.results());
                } catch (Exception thrown) {
                  results.add(thrown.toString());
                }
              });
      task.start();
      Bench.await(() -> !results.isEmpty() || waitsForMail(task));
      assertEquals(List.of(), results);
      for (int n = 0; n < 100; n++) {
        sleep(2);
        assertTrue(waitsForMail(task), "it neither sleeps a while nor asks again");
      }
      script.release(1);
      task.join(10_000);
      assertEquals(List.of(Tokens.expected(5)), results);
    }
  }

  private static boolean waitsForMail(Thread task) {
    String stack = Arrays.toString(task.getStackTrace());
    return stack.contains(".TaskMailboxImpl.take(") && stack.contains(".InferenceOperator.ask(");
  }

  @Test
  void subtasksShareOneEngineAndTheLastOneClosesIt() throws Exception {
    Bench first = open(PAIRS);
    try (Bench second = open(PAIRS)) {
      assertEquals(1, script.loads.get());
      assertEquals(2, Leases.held());
      first.feed(1);
      second.feed(2);
      first.endInput();
      second.endInput();
      assertEquals("[1] [2]", first.shape() + " " + second.shape());
      first.close();
      assertEquals(1, Leases.held());
      assertEquals(1, script.openModels.get());
      second.feed(3);
      second.endInput();
      assertEquals("[2] [3]", second.shape());
    }
    assertEquals(0, Leases.held());
    assertEquals(0, script.openModels.get());
  }

  @Test
  void whatComesBackInDuringAYieldKeepsItsPlace() throws Exception {
    script.block(1);
    try (Bench bench = open(PAIRS.withMaxInFlight(1))) {
      bench.feed(1);
      bench.feed(2);
      TaskMailbox box = bench.getTaskMailbox();
      box.put(
          new Mail(
              () -> {
                bench.feed(5);
                bench.setProcessingTime(10);
                bench.processWatermark(new Watermark(9));
              },
              TaskMailbox.MAX_PRIORITY,
              "again"));
      Thread releaser =
          new Thread(
              () -> {
                sleep(100);
                script.release(1);
              });
      releaser.start();
      bench.feed(3);
      bench.feed(4);
      bench.setProcessingTime(30);
      bench.endInput();
      releaser.join();
      assertEquals("[1] [2] [3] [4] [5] Watermark", bench.shape());
    }
  }

  @Test
  void aReusedRecordIsCopied() throws Exception {
    for (boolean reuse : new boolean[] {true, false}) {
      try (Bench bench = new Bench(script.recipe(), PAIRS)) {
        if (reuse) {
          bench.getExecutionConfig().enableObjectReuse();
        }
        bench.open();
        int[] record = {1, 0};
        StreamRecord<int[]> element = new StreamRecord<>(record, 1);
        for (int n = 1; n <= 4; n++) {
          record = reuse ? record : new int[2];
          record[0] = n;
          bench.processElement(element.replace(record, n));
        }
        bench.endInput();
        List<String> expected = new ArrayList<>();
        for (int n = 1; n <= 4; n++) {
          expected.add(Tokens.expected(n, 0));
        }
        assertEquals(expected, bench.results());
      }
    }
  }

  @Test
  void aRecordMayHaveNoResultOrSeveral() throws Exception {
    InferenceFlatMapFunction<int[], String> results =
        (record, inferences, out) -> {
          for (int i = 0; i < record[0]; i++) {
            out.collect(record[0] + "/" + i);
          }
        };
    try (Bench bench = new Bench(script.recipe(), PAIRS, Tokens::events, results, null)) {
      bench.open();
      bench.feed(2);
      bench.feed(0);
      bench.feed(3);
      bench.endInput();
      assertEquals(List.of("2/0", "2/1", "3/0", "3/1", "3/2"), bench.results());
      assertEquals(3, bench.extractOutputStreamRecords().get(4).getTimestamp());
    }
  }

  @Test
  void anEmptyStreamEnds() throws Exception {
    try (Bench bench = open(PAIRS)) {
      bench.endInput();
      bench.processWatermark(Watermark.MAX_WATERMARK);
      assertEquals("Watermark", bench.shape());
    }
  }

  private Bench open(MicroBatchOptions options) throws Exception {
    Bench bench = new Bench(script.recipe(), options);
    bench.open();
    return bench;
  }

  /** Starts a thread that acts when a counter has not moved for a while, and notes where. */
  private Thread whenStuck(AtomicInteger counter, Runnable action) {
    Thread watcher =
        new Thread(
            () -> {
              int last = -1;
              while (last != counter.get() || last == 0) {
                last = counter.get();
                sleep(200);
              }
              stuckAt.set(last);
              action.run();
            });
    watcher.start();
    return watcher;
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException stop) {
      throw new IllegalStateException(stop);
    }
  }
}
