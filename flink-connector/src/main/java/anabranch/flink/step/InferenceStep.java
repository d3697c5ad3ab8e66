package anabranch.flink.step;

import anabranch.error.Bounds;
import anabranch.flink.EventExtractor;
import anabranch.flink.FailureFunction;
import anabranch.flink.InferenceFlatMapFunction;
import anabranch.flink.InferenceMapFunction;
import anabranch.flink.ItemExtractor;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.update.ModelRecipes;
import anabranch.flink.update.ModelUpdate;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
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
  private @Nullable DataStream<ModelUpdate> updates;
  private @Nullable ModelRecipes recipes;

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

  /**
   * Names the step in savepoints, so that its state is found again in a job that was changed. With
   * updates it has two operators: the one that hands updates to all subtasks is named {@code
   * NAME-updates}, and keeps nothing.
   */
  public B uid(String name) {
    Bounds.name(word + ".uid", name);
    uid = name;
    return self();
  }

  /**
   * Lets another stream say under which policy records are answered, that of items apart. All
   * subtasks change over at the same checkpoint barrier: the next one behind the update. If that
   * checkpoint is aborted, those that it did not reach change over at the one behind it. What is
   * served is state, so that a job that recovers answers again as it did.
   *
   * <p>The job needs checkpoints; in one with unaligned checkpoints, both inputs of this step are
   * aligned all the same. An update that cannot be applied fails the task. The updates come in the
   * order of their stream, or, if that is parallel, in one that is the same for all subtasks.
   */
  public B policies(DataStream<ModelUpdate> stream) {
    updates = stream;
    recipes = null;
    return self();
  }

  /** Lets another stream say which model answers, too; see {@link #policies}. */
  protected final B models(DataStream<ModelUpdate> stream, ModelRecipes made) {
    updates = stream;
    recipes = clean(made);
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
    StepFactory<IN, OUT> factory =
        factory(new StepParts<>(recipe, reader, results, failures, updates != null, recipes));
    String name = word + " " + recipe.spec().name();
    if (updates == null) {
      SingleOutputStreamOperator<OUT> step = stream.transform(name, type, factory);
      return uid == null ? step : step.uid(uid);
    }
    String stated = uid == null ? "anabranch-" + word + "-" + recipe.spec().name() : uid;
    return stream
        .connect(toAll(updates, stated + "-updates"))
        .transform(name, type, factory)
        .uid(stated);
  }

  /**
   * Returns updates as every subtask sees them: in one order, in front of the same barriers, and
   * with no say in watermarks. Flink aligns what is broadcast, and with it the other input.
   */
  private static DataStream<ModelUpdate> toAll(DataStream<ModelUpdate> updates, String uid) {
    return updates
        .assignTimestampsAndWatermarks(WatermarkStrategy.<ModelUpdate>noWatermarks())
        .name("updates")
        .uid(uid)
        .setParallelism(1)
        .broadcast();
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
