package anabranch.samples.surprise;

import anabranch.engine.EngineOptions;
import anabranch.flink.MicroBatchInference;
import anabranch.flink.model.ModelRecipe;
import anabranch.model.plan.Exit;
import anabranch.samples.text.Line;
import anabranch.samples.text.TextSource;
import anabranch.weights.Safetensors;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;

/** The Flink job: lines in, scores out. Stateless. */
public final class SurpriseJob {
  private SurpriseJob() {}

  /**
   * Returns how the model is loaded where the job runs: with one lane for each processor, and with
   * the choices of the routers.
   *
   * @param backend a backend on the class path, such as {@code "onnx"}
   * @param weights the weights' file; it must not change while a job runs
   */
  public static ModelRecipe recipe(String backend, Path weights) {
    String file = weights.toAbsolutePath().toString();
    return ModelRecipe.of(
            backend, SurpriseModel.getSurpriseModel(), spec -> Safetensors.open(Path.of(file)))
        .withPolicy(SurpriseModel.getSurprisePolicy())
        .withEngineOptions(
            EngineOptions.defaults()
                .withLanes(Runtime.getRuntime().availableProcessors())
                .withTrace(true));
  }

  /** Runs the job in this JVM and hands each score to {@code each}, in the order of the lines. */
  public static void run(TextSource source, ModelRecipe recipe, Consumer<LineScore> each)
      throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    DataStream<Line> lines =
        environment.fromSource(
            source, WatermarkStrategy.noWatermarks(), "lines", TypeInformation.of(Line.class));
    DataStream<Received> received =
        lines
            .map(line -> new Received(line, System.nanoTime()))
            .returns(Received.class)
            .name("received")
            // In a task of its own: a source that waits for standard input must not hold up
            // results.
            .startNewChain();
    DataStream<LineScore> scores =
        MicroBatchInference.on(received, recipe)
            .items((record, input) -> LineScorer.items(record.line()))
            .batchRecords(64)
            .linger(Duration.ofMillis(5))
            .map(
                (record, answers) -> LineScorer.score(record.line(), record.at(), answers),
                TypeInformation.of(LineScore.class))
            .map(score -> score.leftAt(System.nanoTime()))
            .returns(LineScore.class)
            .name("left");
    try (CloseableIterator<LineScore> results = scores.executeAndCollect("surprise")) {
      results.forEachRemaining(each);
    }
  }

  /** Returns the names of the places where bytes leave, in order. */
  public static List<String> exitNames() {
    List<String> names =
        new ArrayList<>(
            SurpriseModel.getSurpriseModel().plan().exits().stream().map(Exit::id).toList());
    names.add("end");
    return names;
  }
}
