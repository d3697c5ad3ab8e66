package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.Inference;
import anabranch.flink.model.ModelRecipe;
import anabranch.flink.step.Failures;
import anabranch.flink.step.NumberedEvents;
import anabranch.flink.step.StepParts;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.flink.api.common.typeutils.base.array.IntPrimitiveArraySerializer;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** One operator without a job: the test is the task's thread, the clock is set by hand. */
final class Bench extends OneInputStreamOperatorTestHarness<int[], String> {
  Bench(ModelRecipe recipe, MicroBatchOptions options) throws Exception {
    this(recipe, options, Tokens::events, null);
  }

  Bench(
      ModelRecipe recipe,
      MicroBatchOptions options,
      EventExtractor<int[]> extractor,
      @Nullable Failures<int[], ?> failures)
      throws Exception {
    this(recipe, options, extractor, Bench::one, failures);
  }

  Bench(
      ModelRecipe recipe,
      MicroBatchOptions options,
      EventExtractor<int[]> extractor,
      InferenceFlatMapFunction<int[], String> results,
      @Nullable Failures<int[], ?> failures)
      throws Exception {
    super(
        MicroBatchInferenceOperator.factory(
            new StepParts<>(recipe, new NumberedEvents<>(extractor), results, failures), options),
        IntPrimitiveArraySerializer.INSTANCE);
  }

  Bench(StepParts<int[], String> parts, MicroBatchOptions options) throws Exception {
    super(
        MicroBatchInferenceOperator.factory(parts, options), IntPrimitiveArraySerializer.INSTANCE);
  }

  void enableCheckpoints() {
    getEnvironment()
        .getJobConfiguration()
        .set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(1));
  }

  void disableCheckpoints() {
    getEnvironment()
        .getJobConfiguration()
        .removeConfig(CheckpointingOptions.CHECKPOINTING_INTERVAL);
  }

  private static void one(int[] record, List<Inference> inferences, Collector<String> out) {
    out.collect(Tokens.result(record, inferences));
  }

  void feed(int... tokens) throws Exception {
    processElement(tokens, tokens.length == 0 ? 0 : tokens[0]);
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

  /** Waits for a mail of the engine, and runs all that are there. */
  void awaitMail() throws Exception {
    await(() -> getTaskMailbox().hasMail());
    runMails();
  }

  private void runMails() {
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

  List<String> results() {
    return extractOutputValues();
  }

  /** Returns outputs as text: results as they are, anything else by its class. */
  String shape() {
    return getOutput().stream()
        .map(
            output ->
                output instanceof StreamRecord<?> record
                    ? String.valueOf(record.getValue()).replaceAll(" .*", "")
                    : output.getClass().getSimpleName())
        .collect(Collectors.joining(" "));
  }

  static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "it did not happen within ten seconds");
      Thread.sleep(1);
    }
  }
}
