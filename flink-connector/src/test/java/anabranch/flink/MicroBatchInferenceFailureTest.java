package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.engine.EngineOptions;
import anabranch.error.ExecutionException;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Failures;
import anabranch.model.Input;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.functions.AbstractRichFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.ExceptionUtils;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.OutputTag;
import org.junit.jupiter.api.Test;

class MicroBatchInferenceFailureTest {
  private static final OutputTag<String> BAD = new OutputTag<>("bad", Types.STRING);
  private static final MicroBatchOptions FOURS =
      MicroBatchOptions.defaults()
          .withBatchRecords(4)
          .withLinger(Duration.ofMillis(10))
          .withTimeout(Duration.ofSeconds(60));

  private final Script script = new Script();

  /** One engine batch for the four records, so that a failure meets its companions. */
  private final ModelRecipe together =
      script.recipe(EngineOptions.defaults().withLinger(Duration.ofMillis(50)));

  private void poison(int poison) {
    script.before =
        token -> {
          if (token == poison) {
            throw new IllegalArgumentException("poison " + token);
          }
        };
  }

  @Test
  void aRecordThatCannotBeAnsweredFailsTheTask() throws Exception {
    poison(2);
    Bench bench = new Bench(together, FOURS);
    bench.open();
    for (int n = 1; n <= 4; n++) {
      bench.feed(n);
    }
    Exception thrown = assertThrows(Exception.class, bench::endInput);
    ExecutionException item = find(thrown, ExecutionException.class);
    assertTrue(item.getMessage().contains("poison 2"), item.getMessage());
    assertEquals("[1]", bench.shape());
    bench.close();
    assertEquals(0, script.openModels.get());
  }

  @Test
  void recordsThatCannotBeAnsweredGoAsideOneByOne() throws Exception {
    poison(2);
    EventExtractor<int[]> extractor =
        (record, input) -> {
          if (record[0] == 5) {
            throw new IOException("unreadable");
          }
          return Tokens.unsplit(record, input);
        };
    try (Bench bench = aside(extractor)) {
      bench.open();
      bench.feed(1);
      bench.feed(2);
      bench.feed(3);
      bench.feed(4, 1, 1, 1, 1, 1, 1, 1, 1);
      bench.feed(5);
      bench.feed(1_000_001);
      bench.feed(6);
      bench.endInput();
      assertEquals("[1] [3] [6]", bench.shape());
      List<StreamRecord<String>> failures = List.copyOf(bench.getSideOutput(BAD));
      assertEquals(4, failures.size());
      assertFailure(failures.get(0), 2, "poison 2");
      assertFailure(failures.get(1), 4, "event.rows 9 is not in 1..8");
      assertFailure(failures.get(2), 5, "unreadable");
      assertFailure(failures.get(3), 1_000_001, "event.token[0] 1000001 is not in 0..999999");
    }
  }

  /** The engine runs the batch of four, which fails, and then each of its items on its own. */
  @Test
  void aPoisonRecordIsIsolatedByRunningItsBatchAgainOneByOne() throws Exception {
    poison(2);
    try (Bench bench = aside(Tokens::unsplit)) {
      bench.open();
      for (int n = 1; n <= 4; n++) {
        bench.feed(n);
      }
      bench.endInput();
      assertEquals("[1] [3] [4]", bench.shape());
      assertEquals(1, bench.getSideOutput(BAD).size());
      assertEquals(List.of(1, 2, 1, 2, 3, 4), List.copyOf(script.ran));
    }
  }

  private static void assertFailure(StreamRecord<String> failure, int token, String reason) {
    assertEquals(token, failure.getTimestamp());
    assertTrue(failure.getValue().startsWith(token + ": "), failure.getValue());
    assertTrue(failure.getValue().contains(reason), failure.getValue());
  }

  @Test
  void aRecordWithOneBadEventOfManyGoesAsideOnce() throws Exception {
    poison(2);
    try (Bench bench = aside(Tokens::events)) {
      bench.open();
      bench.feed(1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2);
      bench.feed(3);
      bench.endInput();
      assertEquals("[3]", bench.shape());
      assertEquals(1, bench.getSideOutput(BAD).size());
    }
  }

  @Test
  void whatIsNoRecordsFaultFailsTheTaskAllTheSame() throws Exception {
    script.before =
        token -> {
          throw new NoClassDefFoundError("broken");
        };
    Bench bench = aside(Tokens::events);
    bench.open();
    bench.feed(1);
    Exception thrown = assertThrows(Exception.class, bench::endInput);
    assertEquals("broken", find(thrown, NoClassDefFoundError.class).getMessage());
    bench.close();
  }

  @Test
  void whatAResultFunctionThrowsFailsTheTask() throws Exception {
    InferenceFlatMapFunction<int[], String> results =
        (record, inferences, out) -> {
          throw new IOException("no result");
        };
    Bench bench =
        new Bench(script.recipe(), FOURS, Tokens::events, results, new Failures<>(BAD, aside()));
    bench.open();
    bench.feed(1);
    Exception thrown = assertThrows(Exception.class, bench::endInput);
    assertEquals("no result", find(thrown, IOException.class).getMessage());
    bench.close();
  }

  @Test
  void aHungModelFailsTheTaskAndLetsItClose() throws Exception {
    script.block(1);
    Bench bench = new Bench(script.recipe(), FOURS.withBatchRecords(1));
    bench.open();
    bench.setProcessingTime(1000);
    bench.feed(1);
    bench.setProcessingTime(60_999);
    Exception thrown = assertThrows(Exception.class, () -> bench.setProcessingTime(61_000));
    TimeoutException late = find(thrown, TimeoutException.class);
    assertEquals(
        "model \"script\" on backend \"scripted\" did not answer a batch of 1 records within PT1M",
        late.getMessage());
    try (Bench next = new Bench(script.recipe(), FOURS.withBatchRecords(1))) {
      next.open();
      assertEquals(2, script.loads.get(), "nobody shares an engine that did not answer");
      next.feed(2);
      next.outputs(1);
    }
    long start = System.nanoTime();
    bench.close();
    assertTrue(System.nanoTime() - start < 3e9);
    assertEquals(1, script.openModels.get());
    script.release(1);
    Bench.await(() -> script.openModels.get() == 0);
    assertEquals("", bench.shape());
    Bench.await(
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("anabranch-script")));
  }

  @Test
  void aTaskThatWaitsForAFullEngineCanBeInterrupted() throws Exception {
    script.block(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    var narrow = script.recipe(EngineOptions.defaults().withBatchRows(1).withQueueItems(1));
    Thread task =
        new Thread(
            () -> {
              try (Bench bench =
                  new Bench(narrow, FOURS.withBatchRecords(1).withMaxInFlight(100))) {
                bench.open();
                try {
                  for (int n = 1; n <= 20; n++) {
                    bench.feed(n);
                  }
                } catch (InterruptedException stop) {
                  interrupted.set(true);
                } finally {
                  script.release(1);
                }
              } catch (Exception thrown) {
                throw new IllegalStateException(thrown);
              }
            });
    task.start();
    Bench.await(() -> script.ran.contains(1));
    Thread.sleep(100);
    task.interrupt();
    task.join(5000);
    assertTrue(interrupted.get());
  }

  /** The task did not come to read the mail of the answers: it waited for whoever takes results. */
  @Test
  void answersThatTheTaskDidNotReadYetAreInTime() throws Exception {
    try (Bench bench = new Bench(script.recipe(), FOURS.withBatchRecords(1))) {
      bench.open();
      bench.feed(1);
      Bench.await(() -> bench.getTaskMailbox().hasMail());
      bench.setProcessingTime(10_000_000);
      bench.outputs(1);
      assertEquals("[1]", bench.shape());
    }
  }

  /** One that was due while the task was busy lies in the mailbox, where nobody cancels it. */
  @Test
  @SuppressWarnings("unchecked")
  void aTimerThatFiresBehindTheAnswersFailsNothing() throws Exception {
    try (Bench bench = new Bench(script.recipe(), FOURS.withBatchRecords(1))) {
      bench.open();
      Batch<int[]> batch = new Batch<>();
      batch.add(new Batch.Entry<>(new StreamRecord<>(new int[] {1}), emitted -> {}));
      batch.start();
      MicroBatchInferenceOperator<int[], ?> operator =
          (MicroBatchInferenceOperator<int[], ?>) (Object) bench.getOperator();
      batch.answered();
      operator.expire(batch);
      batch.start();
      operator.expire(batch);
      assertThrows(TimeoutException.class, () -> operator.expire(batch));
      batch.asked();
      assertThrows(TimeoutException.class, () -> operator.expire(batch));
    }
  }

  @Test
  @SuppressWarnings("unchecked")
  void aBatchThatWasHandedInGetsNoMoreTime() throws Exception {
    try (Bench bench = new Bench(script.recipe(), FOURS.withBatchRecords(1))) {
      bench.open();
      Batch<int[]> batch = new Batch<>();
      batch.add(new Batch.Entry<>(new StreamRecord<>(new int[] {1}), emitted -> {}));
      batch.start();
      batch.asked();
      MicroBatchInferenceOperator<int[], ?> operator =
          (MicroBatchInferenceOperator<int[], ?>) (Object) bench.getOperator();
      assertThrows(TimeoutException.class, () -> operator.expire(batch));
    }
  }

  @Test
  void answersInTimeStopTheClock() throws Exception {
    try (Bench bench = new Bench(script.recipe(), FOURS.withBatchRecords(1))) {
      bench.open();
      bench.feed(1);
      bench.outputs(1);
      bench.setProcessingTime(10_000_000);
      assertEquals(0, bench.getProcessingTimeService().getNumActiveTimers());
    }
  }

  @Test
  void closingGivesUpWhatWasNotAnswered() throws Exception {
    script.before =
        token -> {
          try {
            Thread.sleep(50);
          } catch (InterruptedException stop) {
            throw new IllegalStateException(stop);
          }
        };
    Bench bench =
        new Bench(
            script.recipe(EngineOptions.defaults().withBatchRows(1)), FOURS.withMaxInFlight(100));
    bench.open();
    for (int n = 0; n < 200; n++) {
      bench.feed(n);
    }
    bench.close();
    bench.getOneInputOperator().close();
    assertEquals(0, script.openModels.get());
    assertTrue(script.ran.size() < 10, "ran " + script.ran.size());
  }

  @Test
  void aModelThatDoesNotLoadFailsTheTaskAndIsTriedAgain() throws Exception {
    script.loadFailure = new IllegalArgumentException("no such device");
    Bench bench = new Bench(script.recipe(), FOURS);
    FlinkException thrown = assertThrows(FlinkException.class, bench::open);
    assertTrue(thrown.getMessage().contains("no such device"), thrown.getMessage());
    assertTrue(thrown.getMessage().contains("model \"script\""), thrown.getMessage());
    assertSame(script.loadFailure, thrown.getCause());
    bench.close();
    bench.getOneInputOperator().close();
    script.loadFailure = null;
    try (Bench again = new Bench(script.recipe(), FOURS)) {
      again.open();
      again.feed(1);
      again.endInput();
      assertEquals("[1]", again.shape());
    }
    assertEquals(0, script.openModels.get());
  }

  @Test
  void aFunctionThatDoesNotOpenLeavesNoModelBehind() throws Exception {
    Bench bench = new Bench(script.recipe(), FOURS, new Unopenable(), null);
    assertEquals("locked", assertThrows(IOException.class, bench::open).getMessage());
    assertEquals(1, script.openModels.get());
    bench.close();
    assertEquals(0, script.openModels.get());
  }

  private static final class Unopenable extends AbstractRichFunction
      implements EventExtractor<int[]> {
    @Override
    public void open(OpenContext context) throws IOException {
      throw new IOException("locked");
    }

    @Override
    public List<Event> events(int[] record, Input input) {
      return Tokens.events(record, input);
    }
  }

  private Bench aside(EventExtractor<int[]> extractor) throws Exception {
    return new Bench(together, FOURS, extractor, new Failures<>(BAD, aside()));
  }

  private static FailureFunction<int[], String> aside() {
    return (record, reason) -> record[0] + ": " + reason.getMessage();
  }

  private static <T extends Throwable> T find(Throwable thrown, Class<T> type) {
    return ExceptionUtils.findThrowable(thrown, type).orElseThrow(() -> new AssertionError(thrown));
  }
}
