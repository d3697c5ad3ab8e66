package anabranch.flink.keyed;

import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Lease;
import anabranch.engine.Sequence;
import anabranch.error.DescriptionException;
import anabranch.flink.InferenceFlatMapFunction;
import anabranch.flink.keyed.state.KeyNames;
import anabranch.flink.keyed.state.SequenceHeader;
import anabranch.flink.keyed.state.SequenceStore;
import anabranch.flink.keyed.state.StateCheck;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Failures;
import anabranch.flink.step.InferenceMetrics;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.DefaultOpenContext;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.api.common.functions.util.FunctionUtils;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.TimestampedCollector;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.FlinkException;
import org.jspecify.annotations.Nullable;

/**
 * Has each record continue the sequence of its key in an engine that it shares with its neighbours,
 * and emits the results in the order of records.
 *
 * <p>All fields belong to the task's thread, but the queue of answered records: the engine's
 * threads add to it, and the first to do so puts one mail into the task's mailbox. Nothing is left
 * in flight when a barrier passes, and all that sequences changed is in the state then.
 *
 * <p>At most one record of a key runs. Yielding to the mailbox is re-entrant: a mail or a timer may
 * come back into this object and leave another key current, so whoever touches the state makes its
 * key current first, and only one call at a time starts records or emits.
 */
@Internal
final class KeyedSequenceInferenceOperator<IN, OUT> extends AbstractStreamOperator<OUT>
    implements OneInputStreamOperator<IN, OUT>,
        BoundedOneInput,
        Triggerable<Object, VoidNamespace> {
  private static final long serialVersionUID = 1L;
  private static final String RELEASE_HOOK = "anabranch-engines";

  private final MailboxExecutor mailbox;
  private final ModelRecipe recipe;
  private final SequenceOptions options;
  private final Reading<IN> reading;
  private final InferenceFlatMapFunction<IN, OUT> results;
  private final @Nullable Failures<IN, ?> failures;
  private final Places places = new Places();
  private final Deque<Line<IN>> startable = new ArrayDeque<>();
  private final Queue<Turn<IN>> answered = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean mailed = new AtomicBoolean();
  private @Nullable TypeSerializer<IN> copier;
  private @Nullable EngineLease engine;
  private @Nullable Lease lease;
  private @Nullable Patience patience;
  private @Nullable OpenSequences<IN> sequences;
  private @Nullable InferenceMetrics metrics;
  private @Nullable TimestampedCollector<OUT> collector;
  private boolean starting;
  private boolean watched;
  private int running;

  KeyedSequenceInferenceOperator(
      StreamOperatorParameters<OUT> parameters,
      ModelRecipe recipe,
      SequenceOptions options,
      Reading<IN> reading,
      InferenceFlatMapFunction<IN, OUT> results,
      @Nullable Failures<IN, ?> failures) {
    super(parameters);
    this.mailbox = parameters.getMailboxExecutor();
    this.recipe = recipe;
    this.options = options;
    this.reading = reading;
    this.results = results;
    this.failures = failures;
  }

  @Override
  public void open() throws Exception {
    super.open();
    if ("batch".equals(getKeyedStateBackend().getBackendTypeIdentifier())) {
      throw new FlinkException(
          "sequences cannot run with execution.runtime-mode BATCH, which forgets the state of a key"
              + " when the next one comes: use STREAMING");
    }
    ClassLoader user = getUserCodeClassloader();
    if (getExecutionConfig().isObjectReuseEnabled()) {
      copier = getOperatorConfig().getTypeSerializerIn(0, user);
    }
    getRuntimeContext()
        .registerUserCodeClassLoaderReleaseHookIfAbsent(
            RELEASE_HOOK, () -> EngineLease.closeAll(user));
    EngineLease taken = EngineLease.take(recipe, user);
    engine = taken;
    Lease share = taken.engine().lease(options.maxHeld());
    lease = share;
    if (recipe.spec().encoder() == null) {
      share.begin("first").close();
    }
    metrics = new InferenceMetrics(getMetricGroup(), recipe.spec(), taken, () -> running);
    collector = new TimestampedCollector<>(output);
    SequenceStore store = new SequenceStore(getKeyedStateBackend());
    new StateCheck(store, share, recipe, options.discardState()).run();
    Patience waiting = new Patience(recipe, taken, options.timeout());
    patience = waiting;
    sequences =
        new OpenSequences<>(
            store,
            share,
            options,
            waiting,
            new KeyNames(getKeyedStateBackend().getKeySerializer()),
            processingTimeService::getCurrentProcessingTime,
            options.ttl() == null ? null : timers(),
            open -> new SequenceMetrics(getMetricGroup(), open::open, open::bytes));
    for (Function function : functions().toList()) {
      FunctionUtils.setFunctionRuntimeContext(function, getRuntimeContext());
      FunctionUtils.openFunction(function, DefaultOpenContext.INSTANCE);
    }
  }

  private InternalTimerService<VoidNamespace> timers() {
    return getInternalTimerService("anabranch-sequences", VoidNamespaceSerializer.INSTANCE, this);
  }

  private Stream<Function> functions() {
    Stream<Function> own = Stream.concat(reading.functions(), Stream.of(results));
    return failures == null ? own : Stream.concat(own, Stream.of(failures.function()));
  }

  @Override
  public void processElement(StreamRecord<IN> element) throws Exception {
    Object key = getCurrentKey();
    while (places.size() >= options.maxHeld()) {
      mailbox.yield();
    }
    Turn<IN> turn = read(element, opened(sequences).line(key));
    places.add(turn);
    Line<IN> line = turn.line;
    boolean first = line.isIdle();
    line.waiting.add(turn);
    if (first) {
      startable.add(line);
    }
    pump();
  }

  private Turn<IN> read(StreamRecord<IN> element, Line<IN> line) {
    IN value = copier == null ? element.getValue() : copier.copy(element.getValue());
    Turn<IN> turn = new Turn<>(element.copy(value), line, this::emit);
    try {
      NumberExtractor<IN> numbers = reading.numbers();
      turn.number = numbers == null ? null : Long.valueOf(numbers.number(value));
      turn.last = reading.ends() != null && reading.ends().filter(value);
      turn.items = List.copyOf(reading.items().items(value, recipe.spec().input()));
    } catch (Exception thrown) {
      turn.failure = thrown;
    }
    return turn;
  }

  /** Starts and emits what can be, and keeps the open sequences within their bound. */
  private void pump() throws Exception {
    if (starting) {
      return;
    }
    starting = true;
    try {
      int records = 0;
      int rows = 0;
      Line<IN> line;
      while ((line = startable.poll()) != null) {
        Turn<IN> turn = line.waiting.remove();
        line.running = turn;
        if (start(line, turn)) {
          records++;
          rows += turn.rows();
        }
      }
      if (records > 0) {
        opened(metrics).batch(records, rows);
        watch();
      }
    } finally {
      starting = false;
    }
    places.emitReady();
    opened(sequences).trim();
  }

  /** Submits a record that has its turn; returns whether there are answers to wait for. */
  private boolean start(Line<IN> line, Turn<IN> turn) throws Exception {
    OpenSequences<IN> all = opened(sequences);
    all.know(line);
    if (!follows(line, turn)) {
      end(turn);
      return false;
    } else if (turn.failure != null) {
      all.passed(line, turn);
      end(turn);
      return false;
    } else if (turn.items.isEmpty()) {
      all.took(line, turn);
      end(turn);
      return false;
    }
    List<Item> items = new ArrayList<>(turn.items);
    Sequence sequence = line.sequence;
    if (sequence == null) {
      try {
        sequence = all.open(line, items.get(0));
      } catch (DescriptionException unfit) {
        turn.failure = unfit;
        all.passed(line, turn);
        end(turn);
        return false;
      }
      if (line.length() == 0) {
        items.set(0, begun(items.get(0)));
      }
    }
    running++;
    turn.start();
    for (Item item : items) {
      CompletableFuture<Inference> answer = offer(sequence, item);
      turn.answers.add(answer);
      answer.whenComplete((inference, failure) -> answered(turn));
    }
    answered(turn);
    return true;
  }

  /** Returns an item of which the sequence already has what its encoder reads. */
  private static Item begun(Item item) {
    return new Item(item.id(), item.event(), null, item.policy(), item.forced(), item.within());
  }

  /** Returns whether a record goes on where its key's sequence is, or begins one. */
  private boolean follows(Line<IN> line, Turn<IN> turn) throws Exception {
    SequenceHeader header = line.header;
    if (header == null) {
      return true;
    }
    Long last = header.number();
    Long number = turn.number;
    boolean counted = last != null && number != null;
    if (counted && number <= last) {
      opened(sequences).metrics().duplicates.inc();
      if (!options.dropDuplicates()) {
        throw new FlinkException(
            "sequence \"" + line.id + "\": number " + number + " came again, behind " + last);
      }
      turn.dropped = true;
      turn.last = false;
      return false;
    } else if (header.broken()) {
      String reason = "sequence \"" + line.id + "\" broke before";
      return goesOn(options.broken(), turn, new BrokenSequenceException(reason));
    } else if (counted && number != last + 1) {
      opened(sequences).metrics().gaps.inc();
      return goesOn(options.gap(), turn, new SequenceGapException(line.id, number, last));
    }
    return true;
  }

  private boolean goesOn(Continuation on, Turn<IN> turn, FlinkException reason) throws Exception {
    switch (on) {
      case FAIL -> throw reason;
      case ASIDE -> {
        turn.failure = reason;
        return false;
      }
      case RESTART -> {
        opened(sequences).drop(turn.line);
        return true;
      }
    }
    throw new AssertionError(on);
  }

  /** Hands an item to the engine; when others keep its queue full, goes on with the mailbox. */
  private CompletableFuture<Inference> offer(Sequence sequence, Item item)
      throws InterruptedException {
    while (true) {
      Optional<CompletableFuture<Inference>> accepted = sequence.offer(item);
      if (accepted.isPresent()) {
        return accepted.get();
      }
      if (!mailbox.tryYield()) {
        Thread.sleep(1);
      }
    }
  }

  /** Called on any thread. */
  private void answered(Turn<IN> turn) {
    if (turn.answered()) {
      answered.add(turn);
      if (mailed.compareAndSet(false, true)) {
        try {
          mailbox.execute(this::complete, "answers of sequences");
        } catch (RejectedExecutionException closed) {
          // The task has ended: whatever was in flight is read again from the last checkpoint.
        }
      }
    }
  }

  private void complete() throws Exception {
    mailed.set(false);
    Turn<IN> turn;
    while ((turn = answered.poll()) != null) {
      running--;
      complete(turn);
      end(turn);
    }
    pump();
  }

  private void complete(Turn<IN> turn) throws Exception {
    List<Inference> inferences = new ArrayList<>(turn.answers.size());
    for (CompletableFuture<Inference> answer : turn.answers) {
      try {
        inferences.add(answer.join());
      } catch (CompletionException failed) {
        turn.failure = turn.failure == null ? Failures.blame(failed) : turn.failure;
      }
    }
    inferences.forEach(opened(metrics)::answer);
    turn.inferences = List.copyOf(inferences);
    OpenSequences<IN> all = opened(sequences);
    if (turn.failure == null) {
      all.took(turn.line, turn);
      return;
    }
    requireAside(turn.failure);
    if (all.isIntact(turn.line)) {
      all.passed(turn.line, turn);
    } else {
      all.broke(turn.line, turn.failure);
    }
  }

  private void requireAside(Exception failure) throws FlinkException {
    if (failures == null) {
      throw new FlinkException("a record could not be answered: " + failure.getMessage(), failure);
    }
  }

  /** All of a record is known: the next one of its key has its turn. */
  private void end(Turn<IN> turn) throws Exception {
    Line<IN> line = turn.line;
    OpenSequences<IN> all = opened(sequences);
    turn.done();
    if (turn.last) {
      all.metrics().ended.inc();
      all.drop(line);
    }
    line.running = null;
    if (line.waiting.isEmpty()) {
      all.rest(line);
    } else {
      startable.add(line);
    }
  }

  private void emit(Turn<IN> turn) throws Exception {
    if (turn.dropped) {
      return;
    }
    setCurrentKey(turn.line.key);
    Exception failure = turn.failure;
    if (failure == null) {
      TimestampedCollector<OUT> out = opened(collector);
      out.setTimestamp(turn.record);
      results.flatMap(turn.record.getValue(), turn.inferences, out);
      return;
    }
    opened(metrics).failure();
    requireAside(failure);
    if (failures != null) {
      failures.send(turn.record, failure, output);
    }
  }

  /** Fails the task if what is to be emitted next stays so for too long. */
  private void watch() {
    Places.Place first = places.first();
    if (watched || first == null) {
      return;
    }
    watched = true;
    processingTimeService.registerTimer(
        processingTimeService.getCurrentProcessingTime() + options.timeout().toMillis(),
        time -> {
          watched = false;
          if (places.first() == first) {
            throw opened(patience).lost("answer a record");
          }
          watch();
        });
  }

  /** Lets a control element stand behind all records that came before it. */
  private void hold(Places.Control control) throws Exception {
    while (places.size() >= options.maxHeld()) {
      mailbox.yield();
    }
    places.add(control);
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
  public void onEventTime(InternalTimer<Object, VoidNamespace> timer) {
    throw new IllegalStateException("no timer is in event time");
  }

  @Override
  public void onProcessingTime(InternalTimer<Object, VoidNamespace> timer) throws Exception {
    opened(sequences).fired(timer.getKey(), timer.getTimestamp());
  }

  /** Writes here, as a sequence that cannot be settled is to fail the task, not a checkpoint. */
  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    drain();
    opened(sequences).writeAll();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void endInput() throws Exception {
    drain();
  }

  private void drain() throws Exception {
    pump();
    while (!places.isEmpty()) {
      opened(lease).drain();
      mailbox.yield();
    }
  }

  @Override
  public void close() throws Exception {
    places.cancel();
    EngineLease held = engine;
    engine = null;
    try (AutoCloseable last = super::close) {
      if (held != null) {
        Lease share = lease;
        if (share != null) {
          share.close();
        }
        held.close();
        for (Function function : functions().toList()) {
          FunctionUtils.closeFunction(function);
        }
      }
    }
  }

  /** Returns the open sequences, for tests. */
  OpenSequences<IN> sequences() {
    return opened(sequences);
  }

  private static <T> T opened(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("the operator is not open");
    }
    return part;
  }
}
