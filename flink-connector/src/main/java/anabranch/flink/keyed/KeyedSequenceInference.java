package anabranch.flink.keyed;

import anabranch.error.Bounds;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.InferenceStep;
import anabranch.flink.step.StepFactory;
import anabranch.flink.step.StepParts;
import anabranch.flink.update.ModelRecipes;
import anabranch.flink.update.ModelUpdate;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StageSpec;
import java.time.Duration;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
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
 * <p>The step is named {@code anabranch-sequences-NAME} in savepoints, after its model, unless it
 * is told another {@link #uid}. The sequence of a record that cannot be answered goes on without
 * it, unless it broke: see {@link #onBroken}.
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
public final class KeyedSequenceInference<IN>
    extends InferenceStep<IN, KeyedSequenceInference<IN>> {
  private SequenceOptions options = SequenceOptions.defaults();
  private @Nullable NumberExtractor<IN> numbers;
  private @Nullable FilterFunction<IN> ends;

  private KeyedSequenceInference(KeyedStream<IN, ?> stream, ModelRecipe recipe) {
    super("sequences", stream, recipe, "anabranch-sequences-" + recipe.spec().name());
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
    requireSequences("recipe", recipe.spec());
    return new KeyedSequenceInference<>(stream, recipe);
  }

  static void requireSequences(String field, ModelSpec spec) {
    StageSpec first =
        Cut.of(spec).stages().stream().filter(stage -> !stage.encoder()).findFirst().orElseThrow();
    Bounds.require(
        first.keepsState(),
        field
            + ".spec \""
            + spec.name()
            + "\" keeps nothing of a sequence in its first stage: answer its records with"
            + " MicroBatchInference");
  }

  /**
   * Says which record of its sequence a record is: a number that is not above the last one is a
   * duplicate, one that is more than one above it a gap. The last number is known from the first
   * record of a sequence on, also if that was refused, until the sequence ended, expired or began
   * anew. So the last record of a sequence is no duplicate if it comes again: it begins another
   * one, as every record does that comes behind an end. Nor does a record behind a gap with {@code
   * ASIDE} count: if it comes again, it goes aside again.
   */
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
   * Lets another stream say under which model sequences begin, and under which policy they are
   * answered; see {@link #policies} for when. A sequence goes on under the model that it began
   * under, whatever is served meanwhile, behind a restore too; that model follows the policy of its
   * recipe once another one is served. Answers name their model: {@code Inference.version()}.
   *
   * <p>A model that is not held is loaded when its update comes, beside those that are there, or
   * when a record continues a sequence that began under it: the task waits for that.
   *
   * @param recipes what versions are made of, but for that of this step's own recipe, for as long
   *     as a sequence may go on that began under them
   */
  public KeyedSequenceInference<IN> updates(DataStream<ModelUpdate> stream, ModelRecipes recipes) {
    return models(stream, recipes);
  }

  /**
   * Holds at most that many models at once, in 2..16, usually 2: the one that is served and those
   * that earlier sequences used last; one more while an update waits for its barrier. An earlier
   * one is given back before if no record needed it between two barriers.
   */
  public KeyedSequenceInference<IN> maxModels(int models) {
    options = options.withMaxModels(models);
    return this;
  }

  /**
   * Begins sequences anew whose state is not of the model that they began under, or whose model is
   * not there any more, instead of failing the task. The state tells models of one version apart by
   * their description and the shapes of their weights.
   */
  public KeyedSequenceInference<IN> discardState() {
    options = options.withDiscardState(true);
    return this;
  }

  @Override
  protected KeyedSequenceInference<IN> self() {
    return this;
  }

  @Override
  protected <OUT> StepFactory<IN, OUT> factory(StepParts<IN, OUT> parts) {
    aside("onGap", options.gap());
    aside("onBroken", options.broken());
    return KeyedSequenceInferenceOperator.factory(parts, options, new Marks<>(numbers, ends));
  }

  private void aside(String field, Continuation then) {
    Bounds.require(
        then != Continuation.ASIDE || hasAside(),
        "sequences." + field + " is ASIDE, and failuresTo does not say where that is");
  }
}
