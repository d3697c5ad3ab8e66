package anabranch.flink;

import anabranch.error.Bounds;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Failures;
import anabranch.flink.step.NumberedEvents;
import anabranch.flink.step.OneResult;
import java.time.Duration;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.TypeExtractor;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

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
public final class MicroBatchInference<IN> {
  private final DataStream<IN> stream;
  private final ModelRecipe recipe;
  private MicroBatchOptions options = MicroBatchOptions.defaults();
  private @Nullable ItemExtractor<IN> extractor;
  private @Nullable Failures<IN, ?> failures;

  private MicroBatchInference(DataStream<IN> stream, ModelRecipe recipe) {
    this.stream = stream;
    this.recipe = recipe;
  }

  /**
   * Returns a builder with the defaults: batches of 32 records or 2048 rows, a linger of 5
   * milliseconds, 4 batches in flight in each subtask, a timeout of 5 minutes, ordered.
   */
  public static <IN> MicroBatchInference<IN> on(DataStream<IN> stream, ModelRecipe recipe) {
    return new MicroBatchInference<>(stream, recipe);
  }

  /** Says how a record is read, where all its events follow the recipe's policy. */
  public MicroBatchInference<IN> events(EventExtractor<IN> function) {
    extractor = new NumberedEvents<>(clean(function));
    return this;
  }

  /** Says how a record is read, where items have ids, policies or forced exits of their own. */
  public MicroBatchInference<IN> items(ItemExtractor<IN> function) {
    extractor = clean(function);
    return this;
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

  /** Lets results of a batch overtake those of batches before it, but never a watermark. */
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

  /** Sends records that cannot be answered to a side output instead of failing the task. */
  public MicroBatchInference<IN> failuresTo(OutputTag<IN> tag) {
    return failuresTo(tag, (record, reason) -> record);
  }

  /**
   * Sends what a function makes of records that cannot be answered to a side output instead of
   * failing the task. One record's failure does not touch others of its batch.
   */
  public <F> MicroBatchInference<IN> failuresTo(OutputTag<F> tag, FailureFunction<IN, F> function) {
    failures = new Failures<>(tag, clean(function));
    return this;
  }

  /**
   * Adds the step with one result for each record; the type of results is taken from the function,
   * as far as Java keeps it, or given behind this call with {@code returns}.
   */
  public <OUT> SingleOutputStreamOperator<OUT> map(InferenceMapFunction<IN, OUT> function) {
    return map(function, extracted(function, InferenceMapFunction.class, new int[0]));
  }

  /** Adds the step with one result of the given type for each record. */
  public <OUT> SingleOutputStreamOperator<OUT> map(
      InferenceMapFunction<IN, OUT> function, TypeInformation<OUT> type) {
    return add(new OneResult<>(clean(function)), type);
  }

  /**
   * Adds the step with any number of results for each record; see {@link
   * #map(InferenceMapFunction)} for their type.
   */
  public <OUT> SingleOutputStreamOperator<OUT> flatMap(InferenceFlatMapFunction<IN, OUT> function) {
    return flatMap(function, extracted(function, InferenceFlatMapFunction.class, new int[] {2, 0}));
  }

  /** Adds the step with any number of results of the given type for each record. */
  public <OUT> SingleOutputStreamOperator<OUT> flatMap(
      InferenceFlatMapFunction<IN, OUT> function, TypeInformation<OUT> type) {
    return add(clean(function), type);
  }

  private <OUT> TypeInformation<OUT> extracted(Function function, Class<?> base, int[] lambda) {
    return TypeExtractor.getUnaryOperatorReturnType(
        function, base, 0, 1, lambda, stream.getType(), "inference", true);
  }

  private <OUT> SingleOutputStreamOperator<OUT> add(
      InferenceFlatMapFunction<IN, OUT> results, TypeInformation<OUT> type) {
    ItemExtractor<IN> reader = extractor;
    Bounds.require(
        reader != null, "inference.events (or items) is not set: no function reads the records");
    return stream.transform(
        "inference " + recipe.spec().name(),
        type,
        new MicroBatchInferenceOperatorFactory<>(recipe, options, reader, results, failures));
  }

  private <T> T clean(T function) {
    return stream.getExecutionEnvironment().clean(function);
  }
}
