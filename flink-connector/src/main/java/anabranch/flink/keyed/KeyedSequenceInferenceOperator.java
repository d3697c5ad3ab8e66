package anabranch.flink.keyed;

import anabranch.engine.Item;
import anabranch.engine.Lease;
import anabranch.engine.Sequence;
import anabranch.error.DescriptionException;
import anabranch.flink.keyed.state.KeyNames;
import anabranch.flink.keyed.state.SequenceHeader;
import anabranch.flink.keyed.state.SequenceStore;
import anabranch.flink.keyed.state.StateCheck;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.InferenceMetrics;
import anabranch.flink.step.InferenceOperator;
import anabranch.flink.step.Places;
import anabranch.flink.step.Share;
import anabranch.flink.step.StepFactory;
import anabranch.flink.step.StepParts;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.apache.flink.annotation.Internal;
import org.apache.flink.api.common.functions.Function;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
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
final class KeyedSequenceInferenceOperator<IN, OUT> extends InferenceOperator<IN, OUT, Turn<IN>>
    implements Triggerable<Object, VoidNamespace> {
  private static final long serialVersionUID = 1L;

  private final SequenceOptions options;
  private final Marks<IN> marks;
  private final Deque<Line<IN>> startable = new ArrayDeque<>();
  private @Nullable HeldModels models;
  private @Nullable OpenSequences<IN> sequences;
  private boolean starting;
  private boolean watched;
  private int running;

  private KeyedSequenceInferenceOperator(
      StreamOperatorParameters<OUT> parameters,
      StepParts<IN, OUT> parts,
      SequenceOptions options,
      Marks<IN> marks) {
    super(parameters, parts, true);
    this.options = options;
    this.marks = marks;
  }

  /** Returns what makes such operators. */
  static <IN, OUT> StepFactory<IN, OUT> factory(
      StepParts<IN, OUT> parts, SequenceOptions options, Marks<IN> marks) {
    return new StepFactory<>(
        KeyedSequenceInferenceOperator.class,
        parameters -> new KeyedSequenceInferenceOperator<>(parameters, parts, options, marks));
  }

  @Override
  protected int mostItems() {
    return options.maxHeld();
  }

  @Override
  protected int inFlight() {
    return running;
  }

  @Override
  protected boolean isCrowded() {
    return places().size() >= options.maxHeld();
  }

  @Override
  protected Stream<Function> functions() {
    return Stream.concat(super.functions(), marks.functions());
  }

  @Override
  public void open() throws Exception {
    if ("batch".equals(getKeyedStateBackend().getBackendTypeIdentifier())) {
      throw new FlinkException(
          "sequences cannot run with execution.runtime-mode BATCH, which forgets the state of a key"
              + " when the next one comes: use STREAMING");
    }
    super.open();
    if (recipe().spec().encoder() == null) {
      lease().begin("first").close();
    }
    SequenceStore store = new SequenceStore(getKeyedStateBackend());
    LongSupplier clock = processingTimeService::getCurrentProcessingTime;
    new StateCheck(
            store,
            lease(),
            recipe(),
            this::recipe,
            header -> options.isExpired(header, clock.getAsLong()),
            options.discardState())
        .run();
    models =
        new HeldModels(
            share(), options.maxModels(), options.timeout(), this::load, this::leave, this::pause);
    sequences =
        new OpenSequences<>(
            store,
            options,
            new KeyNames(getKeyedStateBackend().getKeySerializer()),
            clock,
            options.ttl() == null ? null : timers(),
            open -> new SequenceMetrics(getMetricGroup(), open::open, open::bytes));
  }

  private Share load(ModelRecipe wanted) throws Exception {
    return share(wanted, EngineLease.take(wanted, getUserCodeClassloader()));
  }

  private void leave(HeldModel model) throws Exception {
    opened(sequences).leave(model);
    release(model.share);
  }

  @Override
  protected void check(ModelRecipe coming) {
    KeyedSequenceInference.requireSequences("update", coming.spec());
  }

  @Override
  protected void retire(Share former) throws Exception {
    opened(models).serve(share());
  }

  @Override
  protected List<Lease> leases() {
    return opened(models).all().stream().map(model -> model.share.lease()).toList();
  }

  @Override
  protected InferenceMetrics metrics(Turn<IN> turn) {
    HeldModel model = turn.model;
    return model == null ? metrics() : model.share.metrics();
  }

  private InternalTimerService<VoidNamespace> timers() {
    return getInternalTimerService("anabranch-sequences", VoidNamespaceSerializer.INSTANCE, this);
  }

  @Override
  public void processElement(StreamRecord<IN> element) throws Exception {
    Object key = getCurrentKey();
    while (isCrowded()) {
      pause();
    }
    Turn<IN> turn = turn(element, opened(sequences).line(key));
    places().add(turn);
    Line<IN> line = turn.line;
    boolean first = line.isIdle();
    line.waiting.add(turn);
    if (first) {
      startable.add(line);
    }
    flush();
  }

  private Turn<IN> turn(StreamRecord<IN> element, Line<IN> line) {
    Turn<IN> turn = new Turn<>(own(element), line, this::emitted);
    IN value = turn.record.getValue();
    try {
      NumberExtractor<IN> numbers = marks.numbers();
      turn.number = numbers == null ? null : Long.valueOf(numbers.number(value));
      turn.last = marks.ends() != null && marks.ends().filter(value);
    } catch (Exception thrown) {
      turn.failure = thrown;
    }
    return turn;
  }

  /** Starts and emits what can be, and keeps the open sequences within their bound. */
  @Override
  protected void flush() throws Exception {
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
          if (turn.model == opened(models).served()) {
            records++;
            rows += turn.rows();
          } else {
            metrics(turn).records(1, turn.rows());
          }
        }
      }
      if (records > 0) {
        metrics().batch(records, rows);
      }
      if (running > 0) {
        watch();
      }
    } finally {
      starting = false;
    }
    places().emitReady();
    opened(sequences).trim();
  }

  /** Submits a record that has its turn; returns whether there are answers to wait for. */
  private boolean start(Line<IN> line, Turn<IN> turn) throws Exception {
    OpenSequences<IN> all = opened(sequences);
    all.know(line);
    if (!follows(line, turn)) {
      end(turn);
      return false;
    }
    HeldModel model = modelOf(line);
    readTurn(turn, model);
    if (turn.failure != null) {
      all.passed(line, turn);
      end(turn);
      return false;
    } else if (turn.items.isEmpty()) {
      all.took(line, turn);
      end(turn);
      return false;
    }
    List<Item> items = turn.items;
    Sequence sequence = line.sequence;
    if (sequence == null) {
      try {
        sequence = all.open(line, model, items.get(0));
      } catch (DescriptionException unfit) {
        turn.failure = unfit;
        all.passed(line, turn);
        end(turn);
        return false;
      } catch (IllegalArgumentException other) {
        if (!options.discardState()) {
          throw StateCheck.unfit(model.share.recipe(), other);
        } else if (line.header == null) {
          throw other;
        }
        all.drop(line);
        return start(line, turn);
      }
      if (line.length() == 0) {
        items = new ArrayList<>(items);
        items.set(0, begun(items.get(0)));
      }
    }
    running++;
    model.running++;
    turn.model = model;
    ask(turn, items, sequence::offer, model.share.lease());
    return true;
  }

  /**
   * Returns the model under which a line began; a line that begins does so under the served one.
   */
  private HeldModel modelOf(Line<IN> line) throws Exception {
    HeldModels all = opened(models);
    SequenceHeader header = line.header;
    HeldModel model = line.model == null ? null : all.held(line.model.version());
    if (model == null && header != null && header.isBegun()) {
      String version = header.model().isEmpty() ? recipe("").version() : header.model();
      model = all.held(version);
      ModelRecipe missing = model == null ? known(version) : null;
      if (missing != null) {
        model = all.load(missing);
      } else if (model == null) {
        opened(sequences).drop(line);
      }
    }
    line.model = model == null ? all.served() : model;
    line.model.needed = true;
    return line.model;
  }

  /** Returns what a version is loaded from; null if it is not there, and what it began is to go. */
  private @Nullable ModelRecipe known(String version) throws FlinkException {
    try {
      return recipe(version);
    } catch (FlinkException missing) {
      if (options.discardState()) {
        return null;
      }
      throw StateCheck.missing(missing);
    }
  }

  /** Reads a record in the words of its model, unless it cannot be read anyway. */
  private void readTurn(Turn<IN> turn, HeldModel model) {
    if (turn.failure == null) {
      try {
        setCurrentKey(turn.line.key);
        turn.items = read(turn.record.getValue(), model.share.recipe());
      } catch (Exception thrown) {
        turn.failure = thrown;
      }
    }
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

  @Override
  protected void answered(Turn<IN> turn) throws Exception {
    running--;
    HeldModel model = turn.model;
    if (model != null) {
      model.running--;
    }
    OpenSequences<IN> all = opened(sequences);
    Exception failure = turn.failure;
    if (failure == null) {
      all.took(turn.line, turn);
    } else {
      requireAside(failure);
      if (all.isIntact(turn.line)) {
        all.passed(turn.line, turn);
      } else {
        all.broke(turn.line, failure, turn.number);
      }
    }
    end(turn);
  }

  @Override
  protected void advance() throws Exception {
    flush();
  }

  /** All of a record is known: the next one of its key has its turn. */
  private void end(Turn<IN> turn) throws Exception {
    Line<IN> line = turn.line;
    OpenSequences<IN> all = opened(sequences);
    places().done(turn);
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

  private void emitted(Turn<IN> turn) throws Exception {
    if (!turn.dropped) {
      setCurrentKey(turn.line.key);
      emit(turn);
    }
  }

  /** Fails the task if what is to be emitted next stays so for too long. */
  private void watch() {
    Places.Place first = places().first();
    if (watched || first == null) {
      return;
    }
    watched = true;
    after(
        options.timeout().toMillis(),
        time -> {
          watched = false;
          takeAnswers();
          Turn<?> awaited = first instanceof Turn<?> turn ? turn : null;
          boolean done = awaited != null && awaited.isDone();
          if (places().first() == first && !done) {
            HeldModel model = awaited == null ? null : awaited.model;
            HeldModel late = model == null ? opened(models).served() : model;
            throw late.patience.lost("answer a record");
          }
          watch();
        });
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
    super.prepareSnapshotPreBarrier(checkpointId);
    opened(sequences).writeAll();
    opened(models).rest();
  }

  @Override
  public void close() throws Exception {
    HeldModels held = models;
    models = null;
    try (AutoCloseable last = () -> close(held)) {
      super.close();
    }
  }

  private static void close(@Nullable HeldModels held) {
    if (held != null) {
      held.all().forEach(model -> model.share.close());
    }
  }

  /** Returns the models that are held, for tests. */
  List<String> versions() {
    return opened(models).all().stream().map(HeldModel::version).toList();
  }

  /** Returns the open sequences, for tests. */
  OpenSequences<IN> sequences() {
    return opened(sequences);
  }
}
