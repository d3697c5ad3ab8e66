package anabranch.samples.sequences;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Policy;
import anabranch.engine.Sequence;
import anabranch.flink.keyed.KeyedSequenceInference;
import anabranch.flink.model.ModelRecipe;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource.NumberSequenceSplit;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiter;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sequences of keys on the ONNX backend, in a job that is killed and recovers. */
@Timeout(120)
class SequencesOnOnnxTest {
  private static final int WORDS = 900;
  private static final int SPEAKERS = 20;
  private static final long SEED = 11;
  private static final Policy EARLY = Policy.named("early").with("one", 0.6).with("two", 0.6);
  private static final AtomicInteger CHECKPOINTS = new AtomicInteger();
  private static final AtomicInteger FAILURES = new AtomicInteger();

  /** A word is its number, its speaker, and a token or two. */
  @Test
  void aJobThatWasKilledSaysBitForBitWhatALoopOverEventsSays(@TempDir Path folder)
      throws Exception {
    CHECKPOINTS.set(0);
    FAILURES.set(0);
    int[][] words = words();
    int[] left = new int[3];
    Map<Integer, String> expected = loop(words, left);
    for (int rows : left) {
      assertTrue(rows > 50, "rows left behind every stage");
    }
    Map<Integer, String> seen = new HashMap<>();
    int all = 0;
    try (CloseableIterator<String> answers = job(words, folder).executeAndCollect()) {
      while (answers.hasNext()) {
        String answer = answers.next();
        seen.put(Integer.parseInt(answer.substring(0, answer.indexOf(' '))), answer);
        all++;
      }
    }
    assertEquals(1, FAILURES.get(), "the job was killed");
    assertEquals(WORDS, all);
    assertEquals(expected, seen);
  }

  private static Map<Integer, String> loop(int[][] words, int[] left) {
    Map<Integer, String> answers = new HashMap<>();
    Map<Integer, Sequence> sequences = new HashMap<>();
    var model =
        Backends.named("onnx").load(spec(), Weights.random(spec(), SEED), LoadOptions.defaults());
    try (Engine engine = Engine.open(model, EARLY)) {
      for (int[] word : words) {
        Inference inference =
            sequences
                .computeIfAbsent(word[1], speaker -> engine.begin("s" + speaker))
                .submit(event(word))
                .join();
        answers.put(word[0], text(word, List.of(inference)));
        for (int unit = 0; unit < inference.units(); unit++) {
          left[inference.exit(unit)]++;
        }
      }
    }
    return answers;
  }

  private static DataStream<String> job(int[][] words, Path folder) {
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
    DataGeneratorSource<int[]> source =
        new DataGeneratorSource<>(
            n -> words[n.intValue()],
            words.length,
            subtasks -> new Gate(),
            PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO);
    ModelRecipe recipe =
        ModelRecipe.of("onnx", spec(), model -> Weights.random(model, SEED))
            .withPolicy(EARLY)
            .withEngineOptions(EngineOptions.defaults().withLanes(2));
    return KeyedSequenceInference.on(
            env.fromSource(source, WatermarkStrategy.noWatermarks(), "words")
                .setParallelism(1)
                .keyBy(word -> word[1]),
            recipe)
        .events((word, input) -> List.of(event(word)))
        .numbers(word -> word[2])
        .cacheBytes(20_000)
        .map(SequencesOnOnnxTest::text, Types.STRING)
        .map(
            answer -> {
              if (CHECKPOINTS.get() >= 2 && FAILURES.compareAndSet(0, 1)) {
                throw new IllegalStateException("killed on purpose");
              }
              return answer;
            });
  }

  private static int[][] words() {
    SplittableRandom random = new SplittableRandom(4);
    Map<Integer, Integer> said = new HashMap<>();
    List<int[]> words = new ArrayList<>();
    for (int n = 0; n < WORDS; n++) {
      int speaker = random.nextInt(3) == 0 ? 0 : random.nextInt(SPEAKERS);
      int number = said.merge(speaker, 1, Integer::sum) - 1;
      int token = random.nextInt(40);
      words.add(
          random.nextBoolean()
              ? new int[] {n, speaker, number, token}
              : new int[] {n, speaker, number, token, random.nextInt(40)});
    }
    return words.toArray(int[][]::new);
  }

  private static Event event(int[] word) {
    return word.length == 4 ? Event.ofTokens(word[3]) : Event.ofTokens(word[3], word[4]);
  }

  private static String text(int[] word, List<Inference> inferences) {
    StringBuilder text = new StringBuilder().append(word[0]).append(' ').append(word[1]);
    Inference inference = inferences.get(0);
    for (int unit = 0; unit < inference.units(); unit++) {
      text.append(' ').append(inference.exit(unit)).append('@');
      for (int output = 0; output < inference.outputs(); output++) {
        int bits = Float.floatToRawIntBits(inference.logits(unit).get(output));
        text.append(Integer.toHexString(bits)).append(',');
      }
    }
    return text.toString();
  }

  private static ModelSpec spec() {
    Norm norm = new Norm.Layer(1e-5);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, Attention.causal(2, 8)),
            Sublayer.preNorm(norm, FeedForward.plain(32, Activation.GELU)));
    Head head = new Head(Head.Pool.EACH, norm, 3, true);
    return new ModelSpec(
        "talk",
        16,
        new Input.Tokens(40, 1000),
        Embedding.withPositions(),
        Plan.builder()
            .add(block)
            .add(new Exit("one", head, Criterion.confidence(), Bypass.FREEZE_PROJECT))
            .add(block)
            .add(new Exit("two", head, Criterion.confidence(), Bypass.FREEZE_PROJECT))
            .add(block)
            .build(),
        head);
  }

  /** Lets a word pass each millisecond, and the last hundred only once the job was killed. */
  private static final class Gate implements RateLimiter<NumberSequenceSplit> {
    private int passed;

    @Override
    public CompletionStage<Void> acquire(int count) {
      passed += count;
      return untilOpen(passed);
    }

    private CompletionStage<Void> untilOpen(int number) {
      boolean open = number < WORDS - 100 || FAILURES.get() > 0 || CHECKPOINTS.get() >= 2;
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
