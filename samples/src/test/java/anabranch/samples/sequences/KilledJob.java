package anabranch.samples.sequences;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.flink.update.ModelUpdate;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.IntPredicate;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource.NumberSequenceSplit;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiter;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;

/**
 * A job over words that is killed once, behind its second checkpoint or an update of its model, and
 * recovers. A word is its number, its speaker, its number among the words of the speaker, and its
 * tokens. One job at a time.
 */
final class KilledJob {
  private static final int LAST = 100;
  private static final int LATE = 300;
  private static final AtomicInteger CHECKPOINTS = new AtomicInteger();
  private static final AtomicInteger FAILURES = new AtomicInteger();

  /** Behind how many checkpoints the late words come, and behind how many the job is killed. */
  private static volatile int late;

  private static volatile int kill;

  private KilledJob() {}

  /** Returns the answers by their words' numbers: each starts with it, and comes exactly once. */
  static Map<Integer, String> answers(
      int[][] words,
      Path folder,
      Function<KeyedStream<int[], Integer>, DataStream<String>> answering)
      throws Exception {
    late = 0;
    kill = 2;
    return run(words, folder, answering);
  }

  /**
   * Does the same in a job whose model is updated: the last words come, and the job is killed, when
   * an update that {@link #updates} brought and of which {@link #updated} was told is in service.
   */
  static Map<Integer, String> answersOfUpdated(
      int[][] words,
      Path folder,
      Function<KeyedStream<int[], Integer>, DataStream<String>> answering)
      throws Exception {
    late = Integer.MAX_VALUE;
    kill = Integer.MAX_VALUE;
    return run(words, folder, answering);
  }

  /** Returns one update, behind the first checkpoint. */
  static DataStream<ModelUpdate> updates(StreamExecutionEnvironment env, ModelUpdate update) {
    DataGeneratorSource<ModelUpdate> source =
        new DataGeneratorSource<>(
            n -> update,
            1,
            subtasks -> new Gate(passed -> CHECKPOINTS.get() >= 1, false),
            TypeInformation.of(ModelUpdate.class));
    return env.fromSource(source, WatermarkStrategy.noWatermarks(), "models").setParallelism(1);
  }

  /** An update has come: it counts from the next barrier on. */
  static void updated() {
    if (late == Integer.MAX_VALUE) {
      late = CHECKPOINTS.get() + 2;
      kill = late + 1;
    }
  }

  private static Map<Integer, String> run(
      int[][] words,
      Path folder,
      Function<KeyedStream<int[], Integer>, DataStream<String>> answering)
      throws Exception {
    CHECKPOINTS.set(0);
    FAILURES.set(0);
    Map<Integer, String> seen = new HashMap<>();
    int all = 0;
    try (CloseableIterator<String> answers = job(words, folder, answering).executeAndCollect()) {
      while (answers.hasNext()) {
        String answer = answers.next();
        seen.put(Integer.parseInt(answer.substring(0, answer.indexOf(' '))), answer);
        all++;
      }
    }
    assertEquals(1, FAILURES.get(), "the job was killed");
    assertEquals(words.length, all);
    return seen;
  }

  private static DataStream<String> job(
      int[][] words,
      Path folder,
      Function<KeyedStream<int[], Integer>, DataStream<String>> answering) {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(50));
    configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, folder.toUri().toString());
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(2, configuration);
    int all = words.length;
    DataGeneratorSource<int[]> source =
        new DataGeneratorSource<>(
            n -> words[n.intValue()],
            words.length,
            subtasks -> new Gate(passed -> comes(passed, all), true),
            PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO);
    return answering
        .apply(
            env.fromSource(source, WatermarkStrategy.noWatermarks(), "words")
                .setParallelism(1)
                .keyBy(word -> word[1]))
        .map(
            answer -> {
              if (CHECKPOINTS.get() >= kill && FAILURES.compareAndSet(0, 1)) {
                throw new IllegalStateException("killed on purpose");
              }
              return answer;
            });
  }

  /** Writes the bits of numbers behind a text. */
  static void bits(StringBuilder text, FloatBuffer numbers) {
    while (numbers.hasRemaining()) {
      text.append(Integer.toHexString(Float.floatToRawIntBits(numbers.get()))).append(',');
    }
  }

  private static boolean comes(int number, int all) {
    int checkpoints = CHECKPOINTS.get();
    boolean mayBeLate = number < all - LATE || checkpoints >= late;
    return mayBeLate && (number < all - LAST || FAILURES.get() > 0 || checkpoints >= kill);
  }

  /** Lets one pass each millisecond, as long as it is open. */
  private static final class Gate implements RateLimiter<NumberSequenceSplit> {
    private final IntPredicate open;
    private final boolean counts;
    private int passed;

    Gate(IntPredicate open, boolean counts) {
      this.open = open;
      this.counts = counts;
    }

    @Override
    public CompletionStage<Void> acquire(int count) {
      passed += count;
      return untilOpen(passed);
    }

    private CompletionStage<Void> untilOpen(int number) {
      return CompletableFuture.runAsync(
              () -> {}, CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS))
          .thenCompose(
              waited ->
                  open.test(number) ? CompletableFuture.completedFuture(null) : untilOpen(number));
    }

    @Override
    public void notifyCheckpointComplete(long id) {
      if (counts) {
        CHECKPOINTS.incrementAndGet();
      }
    }
  }
}
