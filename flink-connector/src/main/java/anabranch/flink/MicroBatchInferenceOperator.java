package anabranch.flink;

import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Failures;
import anabranch.flink.step.InferenceMetrics;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.DefaultOpenContext;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.api.common.functions.util.FunctionUtils;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.operators.ProcessingTimeService.ProcessingTimeCallback;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.jspecify.annotations.Nullable;

/**
 * Gathers records into batches, has an engine that it shares with its neighbours answer them, and
 * emits the results.
 *
 * <p>All fields belong to the task's thread. The engine's threads do one thing here: the last
 * answer of a batch puts one mail into the task's mailbox. Nothing is left in flight when a barrier
 * passes, so there is no state.
 *
 * <p>Yielding to the mailbox is re-entrant: a mail or a timer may come back into this object. A
 * batch is therefore put into the queue before anything yields, and batches start in the order of
 * the queue, whoever happens to start them.
 */
@Internal
final class MicroBatchInferenceOperator<IN, OUT> extends AbstractStreamOperator<OUT>
    implements OneInputStreamOperator<IN, OUT>, BoundedOneInput {
  private static final long serialVersionUID = 1L;

  /** Most control elements that stand in one batch before the stream is held back. */
  private static final int MOST_CONTROLS = 1024;

  private static final String RELEASE_HOOK = "anabranch-engines";

  private final MailboxExecutor mailbox;
  private final ModelRecipe recipe;
  private final MicroBatchOptions options;
  private final ItemExtractor<IN> extractor;
  private final InferenceFlatMapFunction<IN, OUT> results;
  private final @Nullable Failures<IN, ?> failures;
  private final BatchQueue<IN> queue;
  private Batch<IN> current = new Batch<>();
  private @Nullable TypeSerializer<IN> copier;
  private @Nullable EngineLease lease;
  private @Nullable InferenceMetrics metrics;
  private @Nullable Emitter<IN, OUT> emitter;

  MicroBatchInferenceOperator(
      StreamOperatorParameters<OUT> parameters,
      ModelRecipe recipe,
      MicroBatchOptions options,
      ItemExtractor<IN> extractor,
      InferenceFlatMapFunction<IN, OUT> results,
      @Nullable Failures<IN, ?> failures) {
    super(parameters);
    this.mailbox = parameters.getMailboxExecutor();
    this.recipe = recipe;
    this.options = options;
    this.extractor = extractor;
    this.results = results;
    this.failures = failures;
    this.queue = new BatchQueue<>(options.maxInFlight(), options.ordered());
  }

  @Override
  public void open() throws Exception {
    super.open();
    ClassLoader user = getUserCodeClassloader();
    if (getExecutionConfig().isObjectReuseEnabled()) {
      copier = getOperatorConfig().getTypeSerializerIn(0, user);
    }
    getRuntimeContext()
        .registerUserCodeClassLoaderReleaseHookIfAbsent(
            RELEASE_HOOK, () -> EngineLease.closeAll(user));
    EngineLease taken = EngineLease.take(recipe, user);
    lease = taken;
    metrics = new InferenceMetrics(getMetricGroup(), recipe.spec(), taken, queue::inFlight);
    emitter = new Emitter<>(results, failures, output, metrics);
    for (Function function : functions()) {
      FunctionUtils.setFunctionRuntimeContext(function, getRuntimeContext());
      FunctionUtils.openFunction(function, DefaultOpenContext.INSTANCE);
    }
  }

  private List<Function> functions() {
    return failures == null
        ? List.of(extractor, results)
        : List.of(extractor, results, failures.function());
  }

  @Override
  public void processElement(StreamRecord<IN> element) throws Exception {
    HeldRecord<IN> record = read(element);
    if (!current.records().isEmpty() && current.rows() + record.rows() > options.batchRows()) {
      flush();
    }
    current.add(record);
    if (current.records().size() >= options.batchRecords()
        || current.rows() >= options.batchRows()) {
      flush();
    } else if (current.records().size() == 1) {
      Batch<IN> batch = current;
      batch.timer(
          after(
              options.linger().toMillis(),
              time -> {
                if (batch == current) {
                  flush();
                }
              }));
    }
  }

  private HeldRecord<IN> read(StreamRecord<IN> element) {
    IN value = copier == null ? element.getValue() : copier.copy(element.getValue());
    List<Item> items = List.of();
    Exception unreadable = null;
    try {
      items = List.copyOf(extractor.items(value, recipe.spec().input()));
    } catch (Exception thrown) {
      unreadable = thrown;
    }
    return new HeldRecord<>(value, element, items, unreadable, opened(emitter)::emit);
  }

  /** Ends the current batch and waits until it is started. */
  private void flush() throws Exception {
    Batch<IN> batch = current;
    if (batch.records().isEmpty()) {
      return;
    }
    current = new Batch<>();
    batch.timer(null);
    queue.add(batch);
    while (!batch.started()) {
      Batch<IN> next = queue.startNext();
      if (next == null) {
        mailbox.yield();
      } else {
        submit(next);
      }
    }
  }

  private void submit(Batch<IN> batch) throws Exception {
    opened(metrics).batch(batch.records().size(), batch.rows());
    batch.timer(after(options.timeout().toMillis(), time -> expire(batch)));
    for (HeldRecord<IN> record : batch.records()) {
      for (Item item : record.items()) {
        CompletableFuture<Inference> answer = offer(item);
        record.answers().add(answer);
        answer.whenComplete((inference, failure) -> answered(batch));
      }
    }
    answered(batch);
  }

  /** Hands an item to the engine; when others keep its queue full, goes on with the mailbox. */
  private CompletableFuture<Inference> offer(Item item) throws InterruptedException {
    while (true) {
      Optional<CompletableFuture<Inference>> accepted = opened(lease).engine().offer(item);
      if (accepted.isPresent()) {
        return accepted.get();
      }
      if (!mailbox.tryYield()) {
        Thread.sleep(1);
      }
    }
  }

  /** Called on any thread. */
  private void answered(Batch<IN> batch) {
    if (batch.answered()) {
      try {
        mailbox.execute(() -> complete(batch), "answers of a batch");
      } catch (RejectedExecutionException closed) {
        // The task has ended: whatever was in flight is read again from the last checkpoint.
      }
    }
  }

  private void complete(Batch<IN> batch) throws Exception {
    batch.done();
    queue.emitReady();
  }

  private void expire(Batch<IN> batch) throws TimeoutException {
    opened(lease).abandon();
    throw new TimeoutException(
        recipe
            + " did not answer a batch of "
            + batch.records().size()
            + " records within "
            + options.timeout());
  }

  private Future<?> after(long millis, ProcessingTimeCallback callback) {
    return processingTimeService.registerTimer(
        processingTimeService.getCurrentProcessingTime() + millis, callback);
  }

  /** Lets a control element stand behind all records that came before it. */
  private void hold(Batch.Place control) throws Exception {
    if (!current.records().isEmpty()) {
      current.add(control);
      if (current.controls() >= MOST_CONTROLS) {
        flush();
      }
    } else if (queue.isEmpty()) {
      control.emit();
    } else {
      Batch<IN> last = queue.last();
      last.add(control);
      while (last.controls() > MOST_CONTROLS && !last.emitted()) {
        mailbox.yield();
      }
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (options.flushAtWatermark()) {
      flush();
    }
    hold(() -> super.processWatermark(mark));
  }

  @Override
  public void processWatermark(WatermarkEvent mark) throws Exception {
    hold(() -> super.processWatermark(mark));
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    hold(() -> super.processWatermarkStatus(status));
  }

  @Override
  public void processRecordAttributes(RecordAttributes attributes) throws Exception {
    hold(() -> super.processRecordAttributes(attributes));
  }

  @Override
  public void processLatencyMarker(LatencyMarker marker) throws Exception {
    hold(() -> super.processLatencyMarker(marker));
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    drain();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void endInput() throws Exception {
    drain();
  }

  private void drain() throws Exception {
    flush();
    while (!queue.isEmpty()) {
      mailbox.yield();
    }
  }

  @Override
  public void close() throws Exception {
    current.cancel();
    queue.cancel();
    EngineLease held = lease;
    lease = null;
    try (AutoCloseable last = super::close) {
      if (held != null) {
        held.close();
        for (Function function : functions()) {
          FunctionUtils.closeFunction(function);
        }
      }
    }
  }

  private static <T> T opened(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("the operator is not open");
    }
    return part;
  }
}
