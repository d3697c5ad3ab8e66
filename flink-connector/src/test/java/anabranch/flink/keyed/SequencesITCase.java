package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.DescriptionException;
import anabranch.flink.Script;
import anabranch.flink.model.ModelRecipe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.ExceptionUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole jobs; the command {@code soak} runs the rest of the matrix, again and again. */
@Timeout(60)
class SequencesITCase {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(2)
              .setNumberSlotsPerTaskManager(2)
              .build());

  @ParameterizedTest
  @CsvSource({
    "hashmap,false,20000",
    "hashmap,true,67108864",
    "rocksdb,false,67108864",
    "rocksdb,true,0"
  })
  void nothingIsLostDoubledOrWrong(String backend, boolean unaligned, long cacheBytes)
      throws Exception {
    Kill.Outcome outcome = new Kill(backend, unaligned, cacheBytes, 1500, 5).run();
    assertEquals(1, outcome.failures(), "the failure happened");
    assertTrue(outcome.repeated() > 0, "words were answered again");
    assertTrue(outcome.isExact(), outcome::toString);
  }

  /** Twice; the command {@code soak} does so on the other state backend, too. */
  @Test
  @Timeout(180)
  void aProcessThatIsKilledLosesAndDoublesNothing(@TempDir Path folder) throws Exception {
    Kill.Outcome outcome = new ChildJob(new Kill("hashmap", false, 20_000, 900, 7), folder).run(2);
    assertTrue(outcome.isExact(), outcome::toString);
  }

  @ParameterizedTest
  @CsvSource({"hashmap,1,3,false", "rocksdb,3,2,true"})
  void aJobGoesOnFromASavepointAtAnotherParallelism(
      String backend, int before, int after, boolean drain, @TempDir Path folder) throws Exception {
    Kill job = new Kill(backend, false, 30_000, 1200, 6);
    List<Word> words = Kill.words(job.seed(), job.words());
    Talk talk = new Talk();
    Kill.Course course = Kill.course(talk.name);
    course.free = 400;
    Configuration configuration = job.configuration(folder);
    List<String> answers = new ArrayList<>();
    String savepoint;
    var first = job.job(talk, configuration, before, words);
    try (CloseableIterator<String> all = first.collectAsync()) {
      var client = first.getExecutionEnvironment().executeAsync();
      for (int n = 0; n < 300; n++) {
        answers.add(all.next());
      }
      var stopped =
          client.stopWithSavepoint(
              drain, folder.resolve("savepoint").toUri().toString(), SavepointFormatType.CANONICAL);
      all.forEachRemaining(answers::add);
      savepoint = stopped.get(30, TimeUnit.SECONDS);
    }
    assertTrue(answers.size() < words.size(), "the job was stopped before its end");
    course.waits = false;
    configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    // The collecting sink has another name in each job.
    configuration.set(StateRecoveryOptions.SAVEPOINT_IGNORE_UNCLAIMED_STATE, true);
    try (CloseableIterator<String> all =
        job.job(talk, configuration, after, words).executeAndCollect()) {
      all.forEachRemaining(answers::add);
    }
    Kill.forget(talk.name);
    Kill.Outcome outcome = Kill.judge(talk, words, answers, course);
    assertTrue(outcome.isExact(), outcome::toString);
  }

  private static KeyedStream<Word, String> stream(RuntimeExecutionMode mode) {
    Configuration configuration = new Configuration();
    configuration.set(ExecutionOptions.RUNTIME_MODE, mode);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(2);
    return env.fromData(Talk.words(1, 50, 5), TypeInformation.of(Word.class)).keyBy(Word::speaker);
  }

  @Test
  void batchModeIsRefused() {
    SingleOutputStreamOperator<String> results =
        KeyedSequenceInference.on(stream(RuntimeExecutionMode.BATCH), new Talk().recipe())
            .events(Talk::events)
            .map(Talk::text, Types.STRING);
    Exception thrown =
        assertThrows(
            Exception.class,
            () -> {
              try (CloseableIterator<String> all = results.executeAndCollect()) {
                all.forEachRemaining(text -> {});
              }
            });
    assertTrue(
        ExceptionUtils.findThrowableWithMessage(
                thrown, "sequences cannot run with execution.runtime-mode BATCH")
            .isPresent(),
        () -> ExceptionUtils.stringifyException(thrown));
  }

  @Test
  void aStepIsNamedAfterItsModelOrAsItIsTold() {
    var step =
        KeyedSequenceInference.on(stream(RuntimeExecutionMode.STREAMING), new Talk().recipe())
            .events(Talk::events);
    assertEquals(
        "anabranch-sequences-talk",
        step.map(Talk::text, Types.STRING).getTransformation().getUid());
    assertEquals(
        "other", step.uid("other").map(Talk::text, Types.STRING).getTransformation().getUid());
    assertEquals(Types.STRING, step.map(Talk::text).getType());
  }

  @Test
  void whatAStepLacksIsNamed() {
    KeyedStream<Word, String> words = stream(RuntimeExecutionMode.STREAMING);
    ModelRecipe recipe = new Talk().recipe();
    assertRefused(
        "sequences.events (or items) is not set: no function reads the records",
        () -> KeyedSequenceInference.on(words, recipe).map(Talk::text, Types.STRING));
    assertRefused(
        "sequences.onGap is ASIDE, and failuresTo does not say where that is",
        () ->
            KeyedSequenceInference.on(words, recipe)
                .events(Talk::events)
                .onGap(Continuation.ASIDE)
                .map(Talk::text, Types.STRING));
    assertRefused(
        "recipe.spec \"script\" keeps nothing of a sequence in its first stage: answer its records"
            + " with MicroBatchInference",
        () -> KeyedSequenceInference.on(words, new Script().recipe()));
    assertRefused(
        "sequences.cacheBytes -1 is below 0",
        () -> KeyedSequenceInference.on(words, recipe).cacheBytes(-1));
    assertRefused(
        "sequences.ttl PT0S is not in PT0.001S..PT87600H",
        () -> KeyedSequenceInference.on(words, recipe).ttl(java.time.Duration.ZERO));
  }

  private static void assertRefused(
      String message, org.junit.jupiter.api.function.Executable executable) {
    DescriptionException refused = assertThrows(DescriptionException.class, executable);
    assertEquals(message, refused.getMessage());
  }
}
