package anabranch.flink;

import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Lease;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.InferenceMetrics;
import anabranch.flink.step.NumberedEvents;
import anabranch.flink.step.OneResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.apache.flink.annotation.PublicEvolving;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.util.FunctionUtils;
import org.apache.flink.api.common.functions.util.ListCollector;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.async.RichAsyncFunction;
import org.apache.flink.util.FlinkException;
import org.jspecify.annotations.Nullable;

/**
 * Answers records behind Flink's own asynchronous operator, for those who want its time limits and
 * retries, and barriers that wait for no answer: records in flight are part of a checkpoint and are
 * asked again behind a restore.
 *
 * <pre>{@code
 * DataStream<String> labelled =
 *     AsyncDataStream.unorderedWait(
 *             lines,
 *             AsyncInferenceFunction.of(
 *                 recipe,
 *                 (line, input) -> windows(line, input.maxLength()),
 *                 (line, inferences) -> line + " " + label(inferences)),
 *             30,
 *             TimeUnit.SECONDS,
 *             256)
 *         .returns(Types.STRING);
 * }</pre>
 *
 * <p>The engine is the one that {@link MicroBatchInference} uses with the same recipe, and all
 * subtasks in a task manager share it. Its batches hold no more records than the capacities of
 * those subtasks together. A record that cannot be answered fails the task; one that is late is
 * taken out of the engine.
 *
 * <p>Immutable but for what it opens; one task at a time.
 *
 * @param <IN> the records
 * @param <OUT> the results
 */
@PublicEvolving
public final class AsyncInferenceFunction<IN, OUT> extends RichAsyncFunction<IN, OUT> {
  private static final long serialVersionUID = 1L;

  private final ModelRecipe recipe;
  private final ItemExtractor<IN> items;
  private final InferenceFlatMapFunction<IN, OUT> results;
  private final @Nullable MapFunction<IN, OUT> late;
  private transient @Nullable EngineLease engine;
  private transient @Nullable Lease lease;
  private transient @Nullable InferenceMetrics metrics;
  private transient @Nullable Map<ResultFuture<OUT>, Question> open;

  private AsyncInferenceFunction(
      ModelRecipe recipe,
      ItemExtractor<IN> items,
      InferenceFlatMapFunction<IN, OUT> results,
      @Nullable MapFunction<IN, OUT> late) {
    this.recipe = recipe;
    this.items = items;
    this.results = results;
    this.late = late;
  }

  /** Returns a function with one result for each record. */
  public static <IN, OUT> AsyncInferenceFunction<IN, OUT> of(
      ModelRecipe recipe, EventExtractor<IN> events, InferenceMapFunction<IN, OUT> result) {
    return ofItems(recipe, new NumberedEvents<>(events), new OneResult<>(result));
  }

  /** Returns a function with any number of results, where items have a say of their own. */
  public static <IN, OUT> AsyncInferenceFunction<IN, OUT> ofItems(
      ModelRecipe recipe, ItemExtractor<IN> items, InferenceFlatMapFunction<IN, OUT> results) {
    return new AsyncInferenceFunction<>(recipe, items, results, null);
  }

  /** Returns this function with a result for records that are late, instead of a failed task. */
  public AsyncInferenceFunction<IN, OUT> orElse(MapFunction<IN, OUT> result) {
    return new AsyncInferenceFunction<>(recipe, items, results, result);
  }

  private List<Function> functions() {
    return late == null ? List.of(items, results) : List.of(items, results, late);
  }

  @Override
  public void open(OpenContext context) throws Exception {
    EngineLease.closeWith(getRuntimeContext());
    EngineLease taken = EngineLease.take(recipe, getRuntimeContext().getUserCodeClassLoader());
    engine = taken;
    lease = taken.engine().lease(Integer.MAX_VALUE);
    Map<ResultFuture<OUT>, Question> questions = new ConcurrentHashMap<>();
    open = questions;
    InferenceMetrics counts =
        new InferenceMetrics(
            getRuntimeContext().getMetricGroup(), recipe, () -> 0, questions::size);
    counts.serves(taken);
    metrics = counts;
    for (Function function : functions()) {
      FunctionUtils.setFunctionRuntimeContext(function, getRuntimeContext());
      FunctionUtils.openFunction(function, context);
    }
  }

  @Override
  public void asyncInvoke(IN record, ResultFuture<OUT> out) throws Exception {
    Question question = new Question(record, items.items(record, recipe.spec().input()), out);
    opened(open).put(out, question);
    opened(metrics).records(1, question.rows());
    question.ask();
  }

  @Override
  public void timeout(IN record, ResultFuture<OUT> out) throws Exception {
    Question question = opened(open).remove(out);
    if (question != null) {
      question.cancel();
    }
    if (late == null) {
      out.completeExceptionally(
          new TimeoutException(recipe + " did not answer a record within the time it was given"));
    } else {
      out.complete(List.of(late.map(record)));
    }
  }

  @Override
  public void close() throws Exception {
    EngineLease held = engine;
    engine = null;
    if (held == null) {
      return;
    }
    if (open != null) {
      open.values().forEach(Question::cancel);
    }
    if (lease != null) {
      lease.close();
    }
    held.close();
    for (Function function : functions()) {
      FunctionUtils.closeFunction(function);
    }
  }

  /** A record on its way through the engine. Thread-safe. */
  private final class Question {
    private final IN record;
    private final List<Item> asked;
    private final ResultFuture<OUT> out;
    private final List<CompletableFuture<Inference>> answers = new ArrayList<>();
    private boolean cancelled;

    Question(IN record, List<Item> asked, ResultFuture<OUT> out) {
      this.record = record;
      this.asked = List.copyOf(asked);
      this.out = out;
    }

    int rows() {
      return asked.stream().mapToInt(item -> item.event().rows()).sum();
    }

    /** Hands in what there is room for, and the rest when the engine says that there is some. */
    void ask() {
      try {
        while (!isAsked()) {
          CompletableFuture<Void> room = opened(lease).room();
          if (!room.isDone()) {
            room.thenRun(this::ask);
            return;
          }
        }
      } catch (IllegalStateException closed) {
        out.completeExceptionally(closed);
      }
    }

    private synchronized boolean isAsked() {
      while (!cancelled && answers.size() < asked.size()) {
        Optional<CompletableFuture<Inference>> answer =
            opened(lease).offer(asked.get(answers.size()));
        if (answer.isEmpty()) {
          return false;
        }
        answers.add(answer.get());
      }
      if (!cancelled) {
        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
            .whenComplete((all, failure) -> answered(failure));
      }
      return true;
    }

    private void answered(@Nullable Throwable failure) {
      if (failure == null) {
        out.complete(this::collect);
      } else if (opened(open).remove(out) != null) {
        Throwable reason = failure instanceof CompletionException ? failure.getCause() : failure;
        out.completeExceptionally(
            new FlinkException("a record could not be answered: " + reason.getMessage(), reason));
      }
    }

    /** Called on the task's thread. */
    private List<OUT> collect() throws Exception {
      List<OUT> all = new ArrayList<>();
      if (opened(open).remove(out) != null) {
        List<Inference> inferences = answers.stream().map(CompletableFuture::join).toList();
        inferences.forEach(opened(metrics)::answer);
        results.flatMap(record, inferences, new ListCollector<>(all));
      }
      return all;
    }

    synchronized void cancel() {
      cancelled = true;
      answers.forEach(answer -> answer.cancel(false));
    }
  }

  private static <T> T opened(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("the function is not open");
    }
    return part;
  }
}
