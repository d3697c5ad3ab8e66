package anabranch.flink.step;

import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Lease;
import anabranch.engine.Policy;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.update.ModelUpdate;
import anabranch.flink.update.ServedModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.DefaultOpenContext;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.api.common.functions.util.FunctionUtils;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.operators.ProcessingTimeService.ProcessingTimeCallback;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.TimestampedCollector;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.FlinkException;
import org.apache.flink.util.FlinkRuntimeException;
import org.jspecify.annotations.Nullable;

/**
 * What the operators of all inference steps do alike: hold an engine that they share with their
 * neighbours, hand it the items of records, keep results and control elements in their places, and
 * leave nothing in flight when a barrier passes.
 *
 * <p>All fields belong to the task's thread, but the queue of answered records: the engine's
 * threads add to it, and the first to do so puts one mail into the task's mailbox.
 *
 * <p>Yielding to the mailbox is re-entrant: a mail or a timer may come back into this object.
 *
 * <p>Updates of the model are a second input, which has no say in watermarks or idleness. They are
 * applied at the next barrier, when nothing is in flight.
 *
 * @param <R> what is held of a record
 */
@Internal
public abstract class InferenceOperator<IN, OUT, R extends HeldRecord<IN>>
    extends AbstractStreamOperator<OUT>
    implements OneInputStreamOperator<IN, OUT>,
        TwoInputStreamOperator<IN, ModelUpdate, OUT>,
        BoundedOneInput {
  private static final long serialVersionUID = 1L;

  /** How many versions of the model are shown, beside those that are held. */
  private static final int MOST_SHOWN = 4;

  private final StepParts<IN, OUT> parts;
  private final MailboxExecutor mailbox;
  private final Places places;
  private final ServedModel served;

  /** By version, the one taken last at the end. */
  private final Map<String, InferenceMetrics> counted = new LinkedHashMap<>();

  private final Queue<R> answered = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean mailed = new AtomicBoolean();
  private @Nullable TypeSerializer<IN> copier;
  private @Nullable Share share;
  private @Nullable TimestampedCollector<OUT> collector;
  private @Nullable CompletableFuture<Void> room;
  private @Nullable Lease crowded;
  private boolean hurried;

  /** Whether the engine was asked and not told that nothing more comes for now. */
  private boolean asking;

  private boolean idle;

  /**
   * Creates an operator that is not open; {@code ordered} says whether records keep their order.
   */
  protected InferenceOperator(
      StreamOperatorParameters<OUT> parameters, StepParts<IN, OUT> parts, boolean ordered) {
    super(parameters);
    this.parts = parts;
    mailbox = parameters.getMailboxExecutor();
    places = new Places(ordered);
    served = new ServedModel(parts.recipe(), parts.recipes());
    if (parts.updates()) {
      output = new HeldOutput<>(output, this::hold);
    }
  }

  /** Returns the most items that are to be accepted by the engine and not answered. */
  protected abstract int mostItems();

  /** Returns what metrics show as being in flight. */
  protected abstract int inFlight();

  /** Starts what waits for more to come. */
  protected abstract void flush() throws Exception;

  /** Returns whether no more control elements are to be held now. */
  protected abstract boolean isCrowded();

  /** All answers of a record are there, or all there will be. */
  protected abstract void answered(R record) throws Exception;

  /** Starts and emits what can be, now that records were answered. */
  protected abstract void advance() throws Exception;

  /** Returns the functions of the user, in the order in which they are opened. */
  protected Stream<Function> functions() {
    return parts.functions();
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    if (parts.updates()) {
      served.restore(context.getOperatorStateStore());
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    if (parts.updates()) {
      requireCheckpoints();
      processWatermarkStatus2(WatermarkStatus.IDLE);
    }
    ClassLoader user = getUserCodeClassloader();
    if (getExecutionConfig().isObjectReuseEnabled()) {
      copier = getOperatorConfig().getTypeSerializerIn(0, user);
    }
    EngineLease.closeWith(getRuntimeContext());
    share = share(recipe(), EngineLease.take(recipe(), user));
    collector = new TimestampedCollector<>(output);
    for (Function function : functions().toList()) {
      FunctionUtils.setFunctionRuntimeContext(function, getRuntimeContext());
      FunctionUtils.openFunction(function, DefaultOpenContext.INSTANCE);
    }
  }

  private void requireCheckpoints() throws FlinkException {
    if (!CheckpointingOptions.isCheckpointingEnabled(
        getContainingTask().getEnvironment().getJobConfiguration())) {
      throw new FlinkException(
          "updates of "
              + recipe()
              + " wait for a barrier, and execution.checkpointing.interval is"
              + " not set");
    }
  }

  /** Returns what this operator has of a model whose engine was taken. */
  protected final Share share(ModelRecipe of, EngineLease taken) {
    InferenceMetrics before = counted.remove(of.version());
    InferenceMetrics counts =
        before == null
            ? new InferenceMetrics(getMetricGroup(), of, this::inFlight, places::size)
            : before;
    counted.put(of.version(), counts);
    counts.serves(taken);
    return new Share(of, taken, taken.engine().lease(mostItems()), counts);
  }

  /** Another model is served from now on; nothing is in flight. */
  protected void retire(Share former) throws Exception {
    release(former);
  }

  /** Gives back what this operator has of a model while it goes on with others. */
  protected final void release(Share former) {
    former.metrics().leaves(former.engine());
    former.close();
    List<InferenceMetrics> over =
        new ArrayList<>(counted.values().stream().filter(counts -> !counts.isServing()).toList());
    while (over.size() > MOST_SHOWN) {
      InferenceMetrics oldest = over.remove(0);
      oldest.close();
      counted.values().remove(oldest);
    }
  }

  /**
   * Checks whether this operator can serve a model.
   *
   * @throws anabranch.error.DescriptionException if it cannot
   */
  protected void check(ModelRecipe coming) {}

  /**
   * Returns what a version of the model is loaded from.
   *
   * @param version empty for that of the step
   * @throws FlinkException if there is no such version
   */
  protected final ModelRecipe recipe(String version) throws FlinkException {
    return served.recipe(version);
  }

  /** Returns what the model is loaded from that is served. */
  protected final ModelRecipe recipe() {
    return served.recipe();
  }

  /** Returns the engine. */
  protected final EngineLease engine() {
    return share().engine();
  }

  /** Returns this operator's share in the engine. */
  protected final Lease lease() {
    return share().lease();
  }

  /** Returns all shares of this operator in engines. */
  protected List<Lease> leases() {
    return List.of(lease());
  }

  /** Returns what counts. */
  protected final InferenceMetrics metrics() {
    return share().metrics();
  }

  /** Returns what counts the answers of a record. */
  protected InferenceMetrics metrics(R record) {
    return metrics();
  }

  /** Returns what this operator has of the model that is served. */
  protected final Share share() {
    return opened(share);
  }

  /** Returns what waits to be emitted. */
  protected final Places places() {
    return places;
  }

  /** Lets mails and timers run until there was one: nothing comes to the engine before that. */
  protected final void pause() throws InterruptedException {
    fallSilent();
    mailbox.yield();
  }

  /** Tells the engine that nothing more comes for now, so that it waits for no company. */
  protected final void fallSilent() {
    if (asking) {
      asking = false;
      leases().forEach(Lease::flush);
    }
  }

  /** Returns an element that nobody else will change. */
  protected final StreamRecord<IN> own(StreamRecord<IN> element) {
    return element.copy(copier == null ? element.getValue() : copier.copy(element.getValue()));
  }

  /** Returns the items of a record. */
  protected final List<Item> read(IN record) throws Exception {
    return read(record, recipe());
  }

  /** Returns the items of a record for a model; what is not served follows its own policy. */
  protected final List<Item> read(IN record, ModelRecipe of) throws Exception {
    List<Item> items = parts.items().items(record, of.spec().input());
    Policy policy = of.version().equals(recipe().version()) ? served.policy() : null;
    return policy == null
        ? List.copyOf(items)
        : items.stream()
            .map(item -> item.policy() == null ? item.withPolicy(policy) : item)
            .toList();
  }

  /** Who takes the items of a record; empty if there is no room now. */
  @FunctionalInterface
  protected interface Door {
    /** Hands an item in. */
    Optional<CompletableFuture<Inference>> offer(Item item);
  }

  /**
   * Hands in the items of a record, in order; while others keep the engine full, goes on with the
   * mailbox until it says that there is room.
   */
  protected final void ask(R record, List<Item> items, Door door) throws InterruptedException {
    ask(record, items, door, lease());
  }

  /** Does the same where the door is that of a share of its own. */
  protected final void ask(R record, List<Item> items, Door door, Lease of)
      throws InterruptedException {
    record.expect(items.size());
    hurried = false;
    asking = true;
    for (Item item : items) {
      Optional<CompletableFuture<Inference>> answer;
      while ((answer = door.offer(item)).isEmpty()) {
        wakeForRoom(of);
        pause();
        asking = true;
      }
      record.add(answer.get());
      answer.get().whenComplete((inference, failure) -> oneAnswered(record));
    }
    oneAnswered(record);
  }

  private void wakeForRoom(Lease of) {
    CompletableFuture<Void> told = room;
    if (told == null || told.isDone() || crowded != of) {
      told = of.room();
      room = told;
      crowded = of;
      told.whenComplete((some, closed) -> mail(() -> {}, "room in an engine"));
    }
  }

  /** Called on any thread. */
  private void oneAnswered(R record) {
    if (record.answered()) {
      answered.add(record);
      if (mailed.compareAndSet(false, true)) {
        mail(this::complete, "answers of an engine");
      }
    }
  }

  /** Called on any thread. */
  private void mail(RunnableOfTask task, String name) {
    try {
      mailbox.execute(task::run, name);
    } catch (RejectedExecutionException closed) {
      // The task has ended: whatever was in flight is read again from the last checkpoint.
    }
  }

  @FunctionalInterface
  private interface RunnableOfTask {
    void run() throws Exception;
  }

  private void complete() throws Exception {
    mailed.set(false);
    takeAnswers();
    advance();
    if (idle) {
      fallSilent();
    }
  }

  /** Takes the answers that are there, also those whose mail was not read yet. */
  protected final void takeAnswers() throws Exception {
    R record;
    while ((record = answered.poll()) != null) {
      record.collect().forEach(metrics(record)::answer);
      answered(record);
    }
  }

  /** Emits the results of a record, or sends it aside. */
  protected final void emit(R record) throws Exception {
    Exception failure = record.failure;
    if (failure == null) {
      TimestampedCollector<OUT> out = opened(collector);
      out.setTimestamp(record.record);
      parts.results().flatMap(record.record.getValue(), record.inferences, out);
      return;
    }
    metrics(record).failure();
    requireAside(failure);
    if (parts.failures() != null) {
      parts.failures().send(record.record, failure, output);
    }
  }

  /**
   * Fails the task if records that cannot be answered are to do so.
   *
   * @throws FlinkException because of the failure
   */
  protected final void requireAside(Exception failure) throws FlinkException {
    if (parts.failures() == null) {
      throw new FlinkException("a record could not be answered: " + failure.getMessage(), failure);
    }
  }

  /** Calls back when so many milliseconds of processing time have passed. */
  protected final Future<?> after(long millis, ProcessingTimeCallback callback) {
    return processingTimeService.registerTimer(
        processingTimeService.getCurrentProcessingTime() + millis, callback);
  }

  /** Lets a control element stand behind all records that came before it. */
  private void hold(Places.Place control) throws Exception {
    while (isCrowded()) {
      flush();
      pause();
    }
    places.addControl(control);
    places.emitReady();
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    hold(() -> super.processWatermark(mark));
  }

  @Override
  public void processWatermark(WatermarkEvent mark) throws Exception {
    hold(() -> super.processWatermark(mark));
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    rest(status);
    hold(() -> super.processWatermarkStatus(status));
  }

  /** With two inputs, Flink asks here: what it tells the output is held there. */
  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int input) throws Exception {
    if (input == 0) {
      rest(status);
    }
    super.processWatermarkStatus(status, input);
  }

  private void rest(WatermarkStatus status) {
    idle = status.isIdle();
    if (idle) {
      fallSilent();
    }
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
  public final void processElement1(StreamRecord<IN> element) throws Exception {
    processElement(element);
  }

  @Override
  public final void processElement2(StreamRecord<ModelUpdate> update) throws Exception {
    check(served.take(update.getValue(), getUserCodeClassloader()));
  }

  @Override
  public final void processWatermark1(Watermark mark) throws Exception {
    processWatermark(mark);
  }

  @Override
  public final void processWatermark2(Watermark mark) {}

  @Override
  public final void processWatermark1(WatermarkEvent mark) throws Exception {
    processWatermark(mark);
  }

  @Override
  public final void processWatermark2(WatermarkEvent mark) {}

  @Override
  public final void processRecordAttributes1(RecordAttributes attributes) {
    try {
      processRecordAttributes(attributes);
    } catch (Exception failed) {
      throw new FlinkRuntimeException(failed);
    }
  }

  @Override
  public final void processRecordAttributes2(RecordAttributes attributes) {}

  @Override
  public final void processLatencyMarker1(LatencyMarker marker) throws Exception {
    processLatencyMarker(marker);
  }

  @Override
  public final void processLatencyMarker2(LatencyMarker marker) {}

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    drain();
    Share former = share();
    EngineLease next = served.pass();
    if (next != null) {
      share = share(recipe(), next);
      retire(former);
    }
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void endInput() throws Exception {
    drain();
  }

  private void drain() throws Exception {
    flush();
    while (!places.isEmpty()) {
      if (!hurried) {
        hurried = true;
        leases().forEach(Lease::drain);
      }
      mailbox.yield();
    }
  }

  @Override
  public void close() throws Exception {
    places.cancel();
    served.close();
    Share held = share;
    share = null;
    try (AutoCloseable last = super::close) {
      if (held != null) {
        held.close();
        for (Function function : functions().toList()) {
          FunctionUtils.closeFunction(function);
        }
      }
    }
  }

  /** Returns a part that is there while the operator is open. */
  protected static <T> T opened(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("the operator is not open");
    }
    return part;
  }
}
