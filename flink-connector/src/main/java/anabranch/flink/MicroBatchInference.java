package anabranch.flink;

import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.InferenceStep;
import anabranch.flink.step.StepFactory;
import anabranch.flink.step.StepParts;
import anabranch.flink.update.ModelRecipes;
import anabranch.flink.update.ModelUpdate;
import java.time.Duration;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * Builds an inference step of a job: records in, results out, in micro-batches that all subtasks in
 * a task manager share.
 *
 * <pre>{@code
 * DataStream<String> labelled =
 *     MicroBatchInference.on(lines, recipe)
 *         .events((line, input) -> windows(line, input.maxLength()))
 *         .batchRecords(64)
 *         .linger(Duration.ofMillis(5))
 *         .map((line, inferences) -> line + " " + label(inferences), Types.STRING);
 * }</pre>
 *
 * <p>Every record is answered exactly once in the results of the job, with its time stamp. Nothing
 * is in flight when a checkpoint barrier passes, so a barrier waits for the batches before it.
 * Results do not depend on how batches were formed.
 *
 * @param <IN> the records
 */
@PublicEvolving
public final class MicroBatchInference<IN> extends InferenceStep<IN, MicroBatchInference<IN>> {
  private MicroBatchOptions options = MicroBatchOptions.defaults();

  private MicroBatchInference(DataStream<IN> stream, ModelRecipe recipe) {
    super("inference", stream, recipe, null);
  }

  /**
   * Returns a builder with the defaults: batches of 32 records or 2048 rows, a linger of 5
   * milliseconds, 4 batches in flight in each subtask, a timeout of 5 minutes, ordered.
   */
  public static <IN> MicroBatchInference<IN> on(DataStream<IN> stream, ModelRecipe recipe) {
    return new MicroBatchInference<>(stream, recipe);
  }

  /** Ends a batch at that many records, at least 1. */
  public MicroBatchInference<IN> batchRecords(int records) {
    options = options.withBatchRecords(records);
    return this;
  }

  /** Ends a batch before it has more rows than that, at least 1; a longer record runs alone. */
  public MicroBatchInference<IN> batchRows(int rows) {
    options = options.withBatchRows(rows);
    return this;
  }

  /** Ends a batch so long after its first record, 0 to 1 minute in whole milliseconds. */
  public MicroBatchInference<IN> linger(Duration time) {
    options = options.withLinger(time);
    return this;
  }

  /** Holds back the stream of a subtask while that many batches are in flight, in 1..1024. */
  public MicroBatchInference<IN> maxInFlight(int batches) {
    options = options.withMaxInFlight(batches);
    return this;
  }

  /**
   * Fails the task when a batch is not answered within that time, 1 millisecond to 1 day; waiting
   * behind the batches of others counts.
   */
  public MicroBatchInference<IN> timeout(Duration time) {
    options = options.withTimeout(time);
    return this;
  }

  /** Keeps results in the order of records; the default. */
  public MicroBatchInference<IN> ordered() {
    options = options.withOrder(true);
    return this;
  }

  /**
   * Emits the results of a record when its own answers are there, so that records that left the
   * model early do not wait for others; no result crosses a watermark.
   */
  public MicroBatchInference<IN> unordered() {
    options = options.withOrder(false);
    return this;
  }

  /**
   * Ends a batch when a watermark arrives, so that the watermark waits for no linger; without this,
   * a watermark keeps its place between the records of the batch.
   */
  public MicroBatchInference<IN> flushAtWatermark() {
    options = options.withFlushAtWatermark(true);
    return this;
  }

  /**
   * Lets another stream say which model answers, and under which policy; see {@link #policies} for
   * when. A model is loaded beside the one that is there when its update comes, so that both are in
   * memory until the barrier, which waits for the load. Answers name it: {@code
   * Inference.version()}.
   *
   * @param recipes what versions are made of, but for that of this step's own recipe
   */
  public MicroBatchInference<IN> updates(DataStream<ModelUpdate> stream, ModelRecipes recipes) {
    return models(stream, recipes);
  }

  @Override
  protected MicroBatchInference<IN> self() {
    return this;
  }

  @Override
  protected <OUT> StepFactory<IN, OUT> factory(StepParts<IN, OUT> parts) {
    return MicroBatchInferenceOperator.factory(parts, options);
  }
}
