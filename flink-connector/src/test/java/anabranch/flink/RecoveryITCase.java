package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.flink.recovery.Gate;
import anabranch.flink.recovery.Recovery;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A job whose model breaks between checkpoints and that starts again from the last one. */
@Timeout(60)
class RecoveryITCase {
  private static final int RECORDS = 4000;
  private static final AtomicInteger CHECKPOINTS = new AtomicInteger();
  private static final AtomicInteger FAILURES = new AtomicInteger();

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(2)
              .setNumberSlotsPerTaskManager(2)
              .build());

  @ParameterizedTest
  @CsvSource({"true,false", "false,false", "false,true"})
  void nothingIsLostOrDoubled(boolean ordered, boolean unaligned, @TempDir Path folder)
      throws Exception {
    CHECKPOINTS.set(0);
    FAILURES.set(0);
    Script script = new Script();
    script.before =
        token -> {
          if (CHECKPOINTS.get() >= 2 && FAILURES.compareAndSet(0, 1)) {
            throw new LinkageError("broken on purpose");
          }
        };
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(Recovery.once(unaligned, folder));
    env.setParallelism(2);
    DataGeneratorSource<int[]> source =
        new DataGeneratorSource<>(
            n -> new int[] {n.intValue(), 1},
            RECORDS,
            parallelism ->
                new Gate(
                    passed -> FAILURES.get() > 0 || passed < RECORDS / 3,
                    passed -> FAILURES.get() > 0 || passed < RECORDS - 100,
                    CHECKPOINTS::incrementAndGet),
            PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO);
    DataStream<int[]> input =
        env.fromSource(source, WatermarkStrategy.noWatermarks(), "numbers")
            .setParallelism(1)
            .rebalance();
    MicroBatchInference<int[]> step =
        MicroBatchInference.on(input, script.recipe())
            .events(Tokens::events)
            .batchRecords(7)
            .linger(Duration.ofMillis(3));
    DataStream<String> results =
        (ordered ? step.ordered() : step.unordered()).map(Tokens::result, Types.STRING);

    List<String> all = new ArrayList<>();
    try (CloseableIterator<String> iterator = results.executeAndCollect()) {
      iterator.forEachRemaining(all::add);
    }
    assertEquals(1, FAILURES.get(), "the failure happened");
    assertTrue(script.ran.size() > RECORDS, "records were read again");
    List<String> expected = new ArrayList<>();
    for (int n = 0; n < RECORDS; n++) {
      expected.add(Tokens.expected(n, 1));
    }
    assertEquals(expected.stream().sorted().toList(), all.stream().sorted().toList());
    Bench.await(() -> script.openModels.get() == 0);
  }
}
