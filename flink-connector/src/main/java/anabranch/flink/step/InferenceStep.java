package anabranch.flink.step;

import anabranch.error.Bounds;
import anabranch.flink.EventExtractor;
import anabranch.flink.FailureFunction;
import anabranch.flink.InferenceFlatMapFunction;
import anabranch.flink.InferenceMapFunction;
import anabranch.flink.ItemExtractor;
import anabranch.flink.model.ModelRecipe;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.TypeExtractor;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * What is said of every inference step of a job: how records are read, where those go that cannot
 * be answered, what results are made, and how the step is named.
 *
 * <p>Confined to the thread that builds the job.
 *
 * @param <IN> the records
 * @param <B> the builder of the step
 */
@PublicEvolving
public abstract class InferenceStep<IN, B extends InferenceStep<IN, B>> {
  private final String word;
  private final DataStream<IN> stream;
  private final ModelRecipe recipe;
  private @Nullable String uid;
  private @Nullable ItemExtractor<IN> items;
  private @Nullable Failures<IN, ?> failures;

  /**
   * Creates a step without functions.
   *
   * @param word what the step is called in errors and job graphs
   * @param uid its name in savepoints; null if it has none unless it is told
   */
  protected InferenceStep(
      String word, DataStream<IN> stream, ModelRecipe recipe, @Nullable String uid) {
    this.word = word;
    this.stream = stream;
    this.recipe = recipe;
    this.uid = uid;
  }

  /** Returns this. */
  protected abstract B self();

  /** Returns what makes the operators of the step. */
  protected abstract <OUT> StepFactory<IN, OUT> factory(StepParts<IN, OUT> parts);

  /**
   * Says how a record is read, where all its events follow the recipe's policy. Where records
   * continue sequences, several events of one run one after the other: long rows come in chunks.
   */
  public B events(EventExtractor<IN> function) {
    items = new NumberedEvents<>(clean(function));
    return self();
  }

  /**
   * Says how a record is read, where items have ids, policies or forced exits of their own. Where
   * records continue sequences, the source of the first item is what the encoder of the model
   * reads, if it begins one.
   */
  public B items(ItemExtractor<IN> function) {
    items = clean(function);
    return self();
  }

  /** Names the step in savepoints, so that its state is found again in a job that was changed. */
  public B uid(String name) {
    Bounds.name(word + ".uid", name);
    uid = name;
    return self();
  }

  /** Sends records that cannot be answered to a side output instead of failing the task. */
  public B failuresTo(OutputTag<IN> tag) {
    return failuresTo(tag, (record, reason) -> record);
  }

  /**
   * Sends what a function makes of records that cannot be answered to a side output instead of
   * failing the task. One record's failure does not touch others of its batch.
   */
  public <F> B failuresTo(OutputTag<F> tag, FailureFunction<IN, F> function) {
    failures = new Failures<>(tag, clean(function));
    return self();
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
    ItemExtractor<IN> reader = items;
    Bounds.require(
        reader != null, word + ".events (or items) is not set: no function reads the records");
    StepFactory<IN, OUT> factory = factory(new StepParts<>(recipe, reader, results, failures));
    SingleOutputStreamOperator<OUT> step =
        stream.transform(word + " " + recipe.spec().name(), type, factory);
    return uid == null ? step : step.uid(uid);
  }

  /** Returns whether somebody said where records go that cannot be answered. */
  protected final boolean hasAside() {
    return failures != null;
  }

  /** Returns a function without what it need not take along. */
  protected final <T> T clean(T function) {
    return stream.getExecutionEnvironment().clean(function);
  }
}
