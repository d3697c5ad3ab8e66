package anabranch.flink.keyed;

import anabranch.flink.ItemExtractor;
import anabranch.flink.step.Failures;
import anabranch.flink.step.NumberedEvents;
import anabranch.flink.step.OneResult;
import anabranch.flink.step.StepFactory;
import anabranch.flink.step.StepParts;
import anabranch.flink.update.ModelUpdate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/** One operator without a job: the test is the task's thread, the clock is set by hand. */
final class Stall extends KeyedOneInputStreamOperatorTestHarness<String, Word, String> {
  static final OutputTag<String> ASIDE = new OutputTag<>("aside", Types.STRING);
  static final int GROUPS = 16;

  private int checkpoints;

  Stall(Talk talk, SequenceOptions options) throws Exception {
    this(talk, options, 1, 0);
  }

  Stall(Talk talk, SequenceOptions options, int parallelism, int index) throws Exception {
    this(
        KeyedSequenceInferenceOperator.factory(
            new StepParts<>(talk.recipe(), items(), new OneResult<>(Talk::text), aside()),
            options,
            marks()),
        parallelism,
        index);
  }

  Stall(StepFactory<Word, String> factory, int parallelism, int index) throws Exception {
    super(factory, Word::speaker, Types.STRING, GROUPS, parallelism, index);
    getStreamConfig().setupNetworkInputs(TypeInformation.of(Word.class).createSerializer(config()));
    getStreamConfig().serializeAllConfigs();
  }

  private org.apache.flink.api.common.serialization.SerializerConfig config() {
    return getExecutionConfig().getSerializerConfig();
  }

  static ItemExtractor<Word> items() {
    return new NumberedEvents<>(Talk::events);
  }

  static Marks<Word> marks() {
    FilterFunction<Word> ends = Word::last;
    return new Marks<>(Word::number, ends);
  }

  static Failures<Word, String> aside() {
    return new Failures<>(ASIDE, (word, reason) -> word.name() + ": " + reason.getMessage());
  }

  static OperatorSubtaskState share(OperatorSubtaskState state, int before, int after, int index) {
    return repartitionOperatorState(state, GROUPS, before, after, index);
  }

  /** Opens a stall that goes on from a snapshot. */
  static Stall restored(Talk talk, SequenceOptions options, OperatorSubtaskState state)
      throws Exception {
    Stall stall = new Stall(talk, options);
    stall.setUp();
    try {
      stall.initializeState(state);
      stall.open();
    } catch (Exception refused) {
      stall.close();
      throw refused;
    }
    return stall;
  }

  void setUp() {
    setup(Types.STRING.createSerializer(config()));
  }

  static Stall opened(Talk talk, SequenceOptions options) throws Exception {
    Stall stall = new Stall(talk, options);
    stall.open();
    return stall;
  }

  /** A word with its place in the list as its time stamp. */
  void say(Word word) throws Exception {
    processElement(word, word.number());
  }

  void sayAll(List<Word> words) throws Exception {
    for (Word word : words) {
      say(word);
    }
  }

  void enableCheckpoints() {
    getEnvironment()
        .getJobConfiguration()
        .set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(1));
  }

  @SuppressWarnings("unchecked")
  void update(ModelUpdate update) throws Exception {
    ((TwoInputStreamOperator<Word, ModelUpdate, String>) (Object) getOperator())
        .processElement2(new StreamRecord<>(update));
  }

  /** Nothing more comes for now, in a stall that has updates. */
  void idle() throws Exception {
    ((TwoInputStreamOperator<?, ?, ?>) (Object) getOperator())
        .processWatermarkStatus1(WatermarkStatus.IDLE);
  }

  /** Does what a task does at a barrier. */
  OperatorSubtaskState checkpoint() throws Exception {
    int id = ++checkpoints;
    prepareSnapshotPreBarrier(id);
    return snapshot(id, id);
  }

  /** Runs mails until there are as many outputs, or ten seconds passed. */
  List<Object> outputs(int count) throws Exception {
    await(
        () -> {
          runMails();
          return getOutput().size() >= count;
        });
    return List.copyOf(getOutput());
  }

  void runMails() {
    Optional<Mail> mail;
    while ((mail = getTaskMailbox().tryTake(TaskMailbox.MIN_PRIORITY)).isPresent()) {
      try {
        mail.get().run();
      } catch (RuntimeException thrown) {
        throw thrown;
      } catch (Exception thrown) {
        throw new IllegalStateException(thrown);
      }
    }
  }

  /** Returns the results so far. */
  List<String> results() {
    return extractOutputValues();
  }

  /** Returns what went aside so far. */
  List<String> asides() {
    List<String> all = new ArrayList<>();
    @Nullable Iterable<StreamRecord<String>> side = getSideOutput(ASIDE);
    if (side != null) {
      side.forEach(record -> all.add(record.getValue()));
    }
    return all;
  }

  SequenceMetrics counts() {
    return ((KeyedSequenceInferenceOperator<?, ?>) (Object) getOperator()).sequences().metrics();
  }

  List<String> versions() {
    return ((KeyedSequenceInferenceOperator<?, ?>) (Object) getOperator()).versions();
  }

  long openSequences() {
    return ((KeyedSequenceInferenceOperator<?, ?>) (Object) getOperator()).sequences().open();
  }

  long bytes() {
    return ((KeyedSequenceInferenceOperator<?, ?>) (Object) getOperator()).sequences().bytes();
  }

  static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("it did not happen within ten seconds");
      }
      Thread.sleep(1);
    }
  }
}
