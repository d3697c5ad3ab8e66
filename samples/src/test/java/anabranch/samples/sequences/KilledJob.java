package anabranch.samples.sequences;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
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
 * A job over words that is killed once, behind its second checkpoint, and recovers. A word is its
 * number, its speaker, its number among the words of the speaker, and its tokens. One job at a
 * time.
 */
final class KilledJob {
  private static final int HELD_BACK = 100;
  private static final AtomicInteger CHECKPOINTS = new AtomicInteger();
  private static final AtomicInteger FAILURES = new AtomicInteger();

  private KilledJob() {}

  /** Returns the answers by their words' numbers: each starts with it, and comes exactly once. */
  static Map<Integer, String> answers(
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
    int gated = words.length - HELD_BACK;
    DataGeneratorSource<int[]> source =
        new DataGeneratorSource<>(
            n -> words[n.intValue()],
            words.length,
            subtasks -> new Gate(gated),
            PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO);
    return answering
        .apply(
            env.fromSource(source, WatermarkStrategy.noWatermarks(), "words")
                .setParallelism(1)
                .keyBy(word -> word[1]))
        .map(
            answer -> {
              if (CHECKPOINTS.get() >= 2 && FAILURES.compareAndSet(0, 1)) {
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

  /** Lets a word pass each millisecond, and the last ones only once the job was killed. */
  private static final class Gate implements RateLimiter<NumberSequenceSplit> {
    private final int gated;
    private int passed;

    Gate(int gated) {
      this.gated = gated;
    }

    @Override
    public CompletionStage<Void> acquire(int count) {
      passed += count;
      return untilOpen(passed);
    }

    private CompletionStage<Void> untilOpen(int number) {
      boolean open = number < gated || FAILURES.get() > 0 || CHECKPOINTS.get() >= 2;
      return CompletableFuture.runAsync(
              () -> {}, CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS))
          .thenCompose(
              waited -> open ? CompletableFuture.completedFuture(null) : untilOpen(number));
    }

    @Override
    public void notifyCheckpointComplete(long id) {
      CHECKPOINTS.incrementAndGet();
    }
  }
}
