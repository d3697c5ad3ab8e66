package anabranch.flink.keyed;

import anabranch.error.Bounds;
import anabranch.flink.EventExtractor;
import anabranch.flink.FailureFunction;
import anabranch.flink.InferenceFlatMapFunction;
import anabranch.flink.InferenceMapFunction;
import anabranch.flink.ItemExtractor;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Failures;
import anabranch.flink.step.NumberedEvents;
import anabranch.flink.step.OneResult;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StageSpec;
import java.time.Duration;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.TypeExtractor;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Builds an inference step of a job in which each record brings the next rows of its key's
 * sequence, and is answered as if the whole sequence had come at once.
 *
 * <pre>{@code
 * DataStream<String> scored =
 *     KeyedSequenceInference.on(words.keyBy(Word::speaker), recipe)
 *         .uid("next-word")
 *         .events((word, input) -> List.of(Event.ofTokens(word.tokens())))
 *         .ends(Word::last)
 *         .ttl(Duration.ofHours(1))
 *         .cacheBytes(64 << 20)
 *         .map((word, inferences) -> word.speaker() + " " + next(inferences), Types.STRING);
 * }</pre>
 *
 * <p>Every record is answered exactly once in the results of the job, in the order of records and
 * with its time stamp. What a model keeps of a sequence is keyed state: it survives failures,
 * savepoints and another parallelism. Records of one key run one after the other, those of many
 * keys share batches with those of other subtasks.
 *
 * <p>Nothing is in flight when a checkpoint barrier passes: the barrier waits for the records
 * before it, for the rows that left early to be filled in, and for changed pages to be copied.
 *
 * <p>Deliberately small: no order but that of records; a sequence expires by processing time; the
 * runtime mode is streaming.
 *
 * @param <IN> the records
 */
@PublicEvolving
public final class KeyedSequenceInference<IN> {
  private final KeyedStream<IN, ?> stream;
  private final ModelRecipe recipe;
  private SequenceOptions options = SequenceOptions.defaults();
  private String uid;
  private @Nullable ItemExtractor<IN> items;
  private @Nullable NumberExtractor<IN> numbers;
  private @Nullable FilterFunction<IN> ends;
  private @Nullable Failures<IN, ?> failures;

  private KeyedSequenceInference(KeyedStream<IN, ?> stream, ModelRecipe recipe) {
    this.stream = stream;
    this.recipe = recipe;
    uid = "anabranch-sequences-" + recipe.spec().name();
  }

  /**
   * Returns a builder with the defaults: 1024 records held in each subtask, a timeout of 5 minutes,
   * 64 MiB of open sequences, sequences kept for ever, duplicates dropped; gaps, broken sequences
   * and a changed model fail the task.
   *
   * @throws anabranch.error.DescriptionException if the first stage of the model keeps nothing
   *     between calls
   */
  public static <IN> KeyedSequenceInference<IN> on(KeyedStream<IN, ?> stream, ModelRecipe recipe) {
    ModelSpec spec = recipe.spec();
    StageSpec first =
        Cut.of(spec).stages().stream().filter(stage -> !stage.encoder()).findFirst().orElseThrow();
    Bounds.require(
        first.keepsState(),
        "recipe.spec \""
            + spec.name()
            + "\" keeps nothing of a sequence in its first stage: answer its records with"
            + " MicroBatchInference");
    return new KeyedSequenceInference<>(stream, recipe);
  }

  /**
   * Names the step in savepoints, so that its state is found again in a job that was changed;
   * without this, after the model: {@code anabranch-sequences-NAME}.
   */
  public KeyedSequenceInference<IN> uid(String name) {
    Bounds.name("sequences.uid", name);
    uid = name;
    return this;
  }

  /**
   * Says how a record is read, where all rows follow the recipe's policy; several events of a
   * record run one after the other, so that long rows come in chunks.
   */
  public KeyedSequenceInference<IN> events(EventExtractor<IN> function) {
    items = new NumberedEvents<>(clean(function));
    return this;
  }

  /**
   * Says how a record is read, where items have policies or forced exits of their own; the source
   * of the first item is what the encoder of the model reads, if it begins a sequence.
   */
  public KeyedSequenceInference<IN> items(ItemExtractor<IN> function) {
    items = clean(function);
    return this;
  }

  /** Says which record of its sequence a record is: duplicates and gaps are noticed. */
  public KeyedSequenceInference<IN> numbers(NumberExtractor<IN> function) {
    numbers = clean(function);
    return this;
  }

  /** Fails the task when a number comes again, instead of dropping the record. */
  public KeyedSequenceInference<IN> failOnDuplicates() {
    options = options.withDropDuplicates(false);
    return this;
  }

  /**
   * Says what becomes of a key of which a number is missing; with {@code ASIDE} the sequence waits
   * for the number that it lacks.
   */
  public KeyedSequenceInference<IN> onGap(Continuation then) {
    options = options.withGap(then);
    return this;
  }

  /**
   * Says what becomes of a key whose sequence broke: an event of it failed when some steps of the
   * model had it and others not. That event itself goes aside.
   */
  public KeyedSequenceInference<IN> onBroken(Continuation then) {
    options = options.withBroken(then);
    return this;
  }

  /** Says which record is the last of its sequence: its state is removed behind it. */
  public KeyedSequenceInference<IN> ends(FilterFunction<IN> function) {
    ends = clean(function);
    return this;
  }

  /**
   * Forgets a sequence so long after its last record, by processing time, 1 millisecond to 3650
   * days.
   */
  public KeyedSequenceInference<IN> ttl(Duration time) {
    options = options.withTtl(time);
    return this;
  }

  /**
   * Keeps sequences open for their next records up to that many bytes in each subtask, least
   * recently used first to go; those of which records run are not closed. 0 for none.
   */
  public KeyedSequenceInference<IN> cacheBytes(long bytes) {
    options = options.withCacheBytes(bytes);
    return this;
  }

  /** Holds back the stream of a subtask while that many records wait, in 1..1,000,000. */
  public KeyedSequenceInference<IN> maxHeld(int records) {
    options = options.withMaxHeld(records);
    return this;
  }

  /** Fails the task when the oldest record takes longer than that, 1 millisecond to 1 day. */
  public KeyedSequenceInference<IN> timeout(Duration time) {
    options = options.withTimeout(time);
    return this;
  }

  /**
   * Begins sequences anew whose state is not of this model, instead of failing the task when it is
   * restored. The state tells models apart by their description and the shapes of their weights.
   */
  public KeyedSequenceInference<IN> discardState() {
    options = options.withDiscardState(true);
    return this;
  }

  /** Sends records that cannot be answered to a side output instead of failing the task. */
  public KeyedSequenceInference<IN> failuresTo(OutputTag<IN> tag) {
    return failuresTo(tag, (record, reason) -> record);
  }

  /**
   * Sends what a function makes of records that cannot be answered to a side output instead of
   * failing the task. The sequence of such a record goes on without it, unless it broke: see {@link
   * #onBroken}.
   */
  public <F> KeyedSequenceInference<IN> failuresTo(
      OutputTag<F> tag, FailureFunction<IN, F> function) {
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
    ItemExtractor<IN> reader = items;
    Bounds.require(
        reader != null, "sequences.events (or items) is not set: no function reads the records");
    aside("onGap", options.gap());
    aside("onBroken", options.broken());
    return stream
        .transform(
            "sequences " + recipe.spec().name(),
            type,
            new KeyedSequenceInferenceOperatorFactory<>(
                recipe, options, new Reading<>(reader, numbers, ends), results, failures))
        .uid(uid);
  }

  private void aside(String field, Continuation then) {
    Bounds.require(
        then != Continuation.ASIDE || failures != null,
        "sequences." + field + " is ASIDE, and failuresTo does not say where that is");
  }

  private <T> T clean(T function) {
    return stream.getExecutionEnvironment().clean(function);
  }
}
