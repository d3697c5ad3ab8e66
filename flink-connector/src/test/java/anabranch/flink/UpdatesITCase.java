package anabranch.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.flink.model.Leases;
import anabranch.flink.recovery.Gate;
import anabranch.flink.recovery.Recovery;
import anabranch.flink.update.ModelRecipes;
import anabranch.flink.update.ModelUpdate;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A job of which the model is replaced while it runs, and which is killed before or behind that.
 */
@Timeout(60)
class UpdatesITCase {
  private static final int RECORDS = 1500;
  private static final Map<String, Course> COURSES = new ConcurrentHashMap<>();

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(2)
              .setNumberSlotsPerTaskManager(2)
              .build());

  /** What happens to one job; its sources and functions find it by name, in the same JVM. */
  private static final class Course {
    final AtomicInteger checkpoints = new AtomicInteger();
    final AtomicInteger failures = new AtomicInteger();
    volatile int behind = Integer.MAX_VALUE;
    volatile boolean kills;

    /** An update is there: two checkpoints later it was applied. */
    void asked() {
      behind = checkpoints.get() + 2;
    }

    boolean isUpdated() {
      return checkpoints.get() >= behind;
    }

    boolean isOver() {
      return isUpdated() && (!kills || failures.get() > 0);
    }

    void kill(boolean now) {
      if (kills && now && failures.compareAndSet(0, 1)) {
        throw new LinkageError("broken on purpose");
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"never,false", "before,false", "behind,false", "behind,true"})
  void allSubtasksChangeOverAtOneBarrier(String kills, boolean unaligned, @TempDir Path folder)
      throws Exception {
    Script script = new Script();
    Script other = new Script();
    Course course = new Course();
    COURSES.put(script.name, course);
    course.kills = !kills.equals("never");
    script.before =
        token -> course.kill(kills.equals("before") && course.behind < Integer.MAX_VALUE);
    other.before = token -> course.kill(kills.equals("behind") && course.isUpdated());
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(Recovery.once(unaligned, folder));
    env.setParallelism(2);
    DataStream<String> results =
        MicroBatchInference.on(records(env, script.name), script.recipe())
            .events(Tokens::events)
            .batchRecords(7)
            .linger(Duration.ofMillis(3))
            .updates(updates(env, script.name), recipes(script.name, other.name))
            .map((record, some) -> record[0] + ":" + some.get(0).version(), Types.STRING)
            .map(new Epoch());

    Set<String> answered = new HashSet<>();
    long lastOld = -1;
    long firstNew = Long.MAX_VALUE;
    int all = 0;
    try (CloseableIterator<String> iterator = results.executeAndCollect()) {
      while (iterator.hasNext()) {
        String[] result = iterator.next().split(":");
        all++;
        answered.add(result[0]);
        long epoch = Long.parseLong(result[2]);
        if (result[1].equals("v2")) {
          firstNew = Math.min(firstNew, epoch);
        } else {
          assertEquals("script", result[1]);
          lastOld = Math.max(lastOld, epoch);
        }
      }
    }
    assertEquals(RECORDS, all, "none is lost");
    assertEquals(RECORDS, answered.size(), "none is doubled");
    assertEquals(course.kills ? 1 : 0, course.failures.get());
    assertTrue(lastOld >= 0 && firstNew < Long.MAX_VALUE, "both answered");
    assertTrue(
        lastOld < firstNew, "the old one behind " + lastOld + ", the new one behind " + firstNew);
    Bench.await(() -> Leases.held() == 0);
  }

  private static ModelRecipes recipes(String course, String other) {
    return version -> {
      COURSES.get(course).asked();
      return Script.named(other).recipe();
    };
  }

  /** Says behind which checkpoint of the operator before it a record came. */
  private static final class Epoch extends RichMapFunction<String, String>
      implements CheckpointedFunction {
    private long epoch;

    @Override
    public String map(String result) {
      return result + ":" + epoch;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
      epoch = context.getCheckpointId();
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
      epoch = context.getRestoredCheckpointId().orElse(0);
    }
  }

  private static DataStream<int[]> records(StreamExecutionEnvironment env, String course) {
    DataGeneratorSource<int[]> source =
        new DataGeneratorSource<>(
            n -> new int[] {n.intValue(), 1},
            RECORDS,
            parallelism ->
                new Gate(
                    passed -> false,
                    passed -> passed < RECORDS - 300 || COURSES.get(course).isOver(),
                    () -> COURSES.get(course).checkpoints.incrementAndGet()),
            PrimitiveArrayTypeInfo.INT_PRIMITIVE_ARRAY_TYPE_INFO);
    return env.fromSource(source, WatermarkStrategy.noWatermarks(), "numbers")
        .setParallelism(1)
        .rebalance();
  }

  /** One update, behind the second checkpoint. */
  private static DataStream<ModelUpdate> updates(StreamExecutionEnvironment env, String course) {
    DataGeneratorSource<ModelUpdate> source =
        new DataGeneratorSource<>(
            n -> ModelUpdate.model("v2"),
            1,
            parallelism ->
                new Gate(
                    passed -> false,
                    passed -> COURSES.get(course).checkpoints.get() >= 2,
                    () -> {}),
            TypeInformation.of(ModelUpdate.class));
    return env.fromSource(source, WatermarkStrategy.noWatermarks(), "models").setParallelism(1);
  }
}
