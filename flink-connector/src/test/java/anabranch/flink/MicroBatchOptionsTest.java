package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.engine.Inference;
import anabranch.error.DescriptionException;
import anabranch.flink.step.NumberedEvents;
import anabranch.flink.step.StepFactory;
import anabranch.flink.step.StepParts;
import java.time.Duration;
import java.util.List;
import org.apache.flink.util.Collector;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

class MicroBatchOptionsTest {
  private final MicroBatchOptions options = MicroBatchOptions.defaults();

  @Test
  void optionsOutOfBoundsAreNamed() {
    assertMessage("inference.batchRecords 0 is below 1", () -> options.withBatchRecords(0));
    assertMessage("inference.batchRows 0 is below 1", () -> options.withBatchRows(0));
    assertMessage(
        "inference.linger PT-0.001S is not in PT0S..PT1M",
        () -> options.withLinger(Duration.ofMillis(-1)));
    assertMessage(
        "inference.linger PT1M0.001S is not in PT0S..PT1M",
        () -> options.withLinger(Duration.ofMillis(60_001)));
    assertMessage(
        "inference.linger PT0.0000005S is not a whole number of milliseconds",
        () -> options.withLinger(Duration.ofNanos(500)));
    assertMessage("inference.maxInFlight 0 is not in 1..1024", () -> options.withMaxInFlight(0));
    assertMessage(
        "inference.maxInFlight 1025 is not in 1..1024", () -> options.withMaxInFlight(1025));
    assertMessage(
        "inference.timeout PT0S is not in PT0.001S..PT24H",
        () -> options.withTimeout(Duration.ZERO));
  }

  private static void assertMessage(String message, Runnable attempt) {
    assertEquals(message, assertThrows(DescriptionException.class, attempt::run).getMessage());
  }

  /** A thousand weights are some kilobytes, and a session could not be serialized at all. */
  @Test
  void aFactoryTravelsWithoutAModel() throws Exception {
    var factory =
        MicroBatchInferenceOperator.factory(
            new StepParts<>(
                new Script().recipe(), new NumberedEvents<>(Tokens::events), new Nothing(), null),
            MicroBatchOptions.defaults());
    byte[] bytes = InstantiationUtil.serializeObject(factory);
    assertTrue(bytes.length < 8192, bytes.length + " bytes");
    StepFactory<?, ?> travelled =
        InstantiationUtil.deserializeObject(bytes, getClass().getClassLoader());
    assertEquals(
        MicroBatchInferenceOperator.class,
        travelled.getStreamOperatorClass(getClass().getClassLoader()));
  }

  private static final class Nothing implements InferenceFlatMapFunction<int[], String> {
    @Override
    public void flatMap(int[] record, List<Inference> inferences, Collector<String> out) {}
  }
}
