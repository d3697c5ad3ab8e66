package anabranch.samples.next;

import anabranch.backend.Event;
import anabranch.engine.Inference;
import anabranch.flink.keyed.KeyedSequenceInference;
import anabranch.flink.model.ModelRecipe;
import anabranch.samples.surprise.Bits;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;

/** The Flink job: bytes of many writers in, how surprising each was out. Stateless. */
final class NextJob {
  private NextJob() {}

  /**
   * Runs the job in this JVM, with a failure on purpose behind its first checkpoint.
   *
   * @param name of the job, of which none has run in this JVM
   * @param checkpoints where it keeps them
   * @return the answers, each exactly once, those of a writer in order
   */
  static List<Answer> run(
      String name, List<Keystroke> strokes, ModelRecipe recipe, int parallelism, Path checkpoints)
      throws Exception {
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(
            parallelism, configuration(checkpoints, 1));
    DataStream<Answer> answers =
        answers(environment, name, strokes, recipe)
            .map(new Stumble(name))
            .returns(TypeInformation.of(Answer.class));
    List<Answer> collected = new ArrayList<>();
    try (CloseableIterator<Answer> some = answers.executeAndCollect(name)) {
      some.forEachRemaining(collected::add);
    }
    return collected;
  }

  /** Returns the answers to keystrokes of which half wait for the first checkpoint. */
  static DataStream<Answer> answers(
      StreamExecutionEnvironment environment,
      String name,
      List<Keystroke> strokes,
      ModelRecipe recipe) {
    Keystroke[] all = strokes.toArray(Keystroke[]::new);
    DataGeneratorSource<Keystroke> source =
        new DataGeneratorSource<>(
            n -> all[n.intValue()],
            all.length,
            subtasks -> new Gate(name, all.length / 2),
            TypeInformation.of(Keystroke.class));
    DataStream<Step> steps =
        environment
            .fromSource(source, WatermarkStrategy.noWatermarks(), "keystrokes")
            .uid("keystrokes")
            .setParallelism(1)
            .keyBy(Keystroke::writer)
            .map(new Before())
            .returns(TypeInformation.of(Step.class))
            .uid("before");
    return KeyedSequenceInference.on(steps.keyBy(Step::writer), recipe)
        .uid("next")
        .events((step, input) -> List.of(Event.ofTokens(step.before())))
        .ends(Step::last)
        .ttl(Duration.ofHours(1))
        .cacheBytes(64 << 20)
        .map(
            (step, inferences) -> answer(step, inferences.get(0)),
            TypeInformation.of(Answer.class));
  }

  private static Answer answer(Step step, Inference inference) {
    return new Answer(
        step.writer(),
        step.number(),
        Bits.of(inference, 0, step.value()),
        inference.exit(0),
        inference.depth(0),
        inference.flops(),
        inference.fullFlops());
  }

  static Configuration configuration(Path checkpoints, int restarts) {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(200));
    configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, restarts);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
    return configuration;
  }
}
