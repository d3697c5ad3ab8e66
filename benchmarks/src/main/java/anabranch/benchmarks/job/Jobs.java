package anabranch.benchmarks.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.CheckpointType;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Jobs of one subtask in a cluster within this process. Confined to one thread. */
final class Jobs implements AutoCloseable {
  private final MiniCluster cluster;
  private final Path folder;

  Jobs() throws Exception {
    folder = Files.createTempDirectory("anabranch-jobs");
    Configuration configuration = new Configuration();
    configuration.set(RestOptions.BIND_PORT, "0");
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(512));
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(4)
                .build());
    cluster.start();
  }

  /** A job that runs and waits for numbers. */
  final class Job implements AutoCloseable {
    private final JobID id;
    private final Course course;

    private Job(JobID id, Course course) {
      this.id = id;
      this.course = course;
    }

    /** Answers the next rows; returns the sum of the results. */
    long round(long rows) {
      course.release(rows, 0);
      return course.sum(course.released());
    }

    /** Answers the next rows with a checkpoint in their middle; returns the sum of the results. */
    long checkpointed(long rows) {
      CompletableFuture<Void> half = course.release(rows / 2, rows - rows / 2);
      long all = course.released() + rows - rows / 2;
      half.orTimeout(2, TimeUnit.MINUTES).join();
      CompletableFuture<Long> checkpoint = cluster.triggerCheckpoint(id, CheckpointType.CONFIGURED);
      long sum = course.sum(all);
      checkpoint.orTimeout(2, TimeUnit.MINUTES).join();
      return sum;
    }

    /** The same several times; returns the sum of all results. */
    long checkpointed(long rows, int times) {
      long sum = 0;
      for (int time = 0; time < times; time++) {
        sum += checkpointed(rows);
      }
      return sum;
    }

    @Override
    public void close() throws Exception {
      cluster.cancelJob(id).get();
      cluster.requestJobResult(id).get(1, TimeUnit.MINUTES);
      course.forget();
    }
  }

  /**
   * Starts a job.
   *
   * @param state {@code hashmap} or {@code rocksdb}
   * @param step makes results of numbers
   */
  Job start(String name, String state, Function<DataStream<Long>, DataStream<Long>> step)
      throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(StateBackendOptions.STATE_BACKEND, state);
    configuration.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofDays(1));
    configuration.set(
        CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
    configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, folder.toUri().toString());
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    environment.setParallelism(1);
    Course course = new Course(name);
    DataStream<Long> numbers =
        environment.fromSource(new GatedNumbers(name), WatermarkStrategy.noWatermarks(), "numbers");
    step.apply(numbers).sinkTo(new CountingSink(name));
    JobID id = cluster.submitJob(environment.getStreamGraph().getJobGraph()).get().getJobID();
    Job job = new Job(id, course);
    job.round(1);
    return job;
  }

  @Override
  public void close() throws Exception {
    cluster.close();
    try (Stream<Path> all = Files.walk(folder)) {
      List<Path> backwards = all.sorted(Comparator.reverseOrder()).toList();
      for (Path each : backwards) {
        Files.deleteIfExists(each);
      }
    } catch (IOException busy) {
      folder.toFile().deleteOnExit();
    }
  }
}
