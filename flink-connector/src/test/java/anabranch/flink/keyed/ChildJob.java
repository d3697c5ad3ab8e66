package anabranch.flink.keyed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * The job of a {@link Kill} in a process of its own, with a folder for its checkpoints and results:
 * a file of results is there for each checkpoint, and those of checkpoints that the next process
 * does not go on from are deleted by it.
 */
final class ChildJob {
  private static final String MAIN = ChildJob.class.getName();
  private static final int SIGKILL = 128 + 9;

  private final Kill job;
  private final Path folder;

  ChildJob(Kill job, Path folder) {
    this.job = job;
    this.folder = folder;
  }

  /** Runs the job until it ends: its folder, backend, kind of barriers, cache, words and seed. */
  public static void main(String[] args) throws Exception {
    Kill job =
        new Kill(
            args[1],
            Boolean.parseBoolean(args[2]),
            Long.parseLong(args[3]),
            Integer.parseInt(args[4]),
            Long.parseLong(args[5]));
    new ChildJob(job, Path.of(args[0])).run();
    System.exit(0);
  }

  private void run() throws Exception {
    Talk talk = new Talk();
    Kill.Course course = Kill.course(talk.name);
    course.free = job.words() / 6;
    course.most = job.words() / 3;
    course.waits = !Files.exists(folder.resolve("go"));
    Configuration configuration = job.configuration(folder.resolve("checkpoints"));
    configuration.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    newestCheckpoint()
        .ifPresent(
            path ->
                configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, path.toUri().toString()));
    var answers = job.job(talk, configuration, 2, Kill.words(job.seed(), job.words()));
    answers
        .map(new ResultFiles(folder.resolve("results").toString()))
        .uid("files")
        .sinkTo(new DiscardingSink<>());
    answers.getExecutionEnvironment().execute();
  }

  /**
   * Runs the job in processes that are killed so many times behind three further checkpoints, and
   * in a last one that comes to the end.
   *
   * @throws AssertionError if a process ended otherwise
   */
  Kill.Outcome run(int kills) throws Exception {
    for (int n = 0; n < kills; n++) {
      int ended = killBehind(3, start());
      require(ended == SIGKILL && results().size() < job.words(), "it ended with " + ended);
    }
    Files.createFile(folder.resolve("go"));
    Process last = start();
    boolean over = last.waitFor(60, TimeUnit.SECONDS);
    last.destroyForcibly();
    require(over && last.waitFor() == 0, "the last process did not come to the end");
    return Kill.judge(
        new Talk(), Kill.words(job.seed(), job.words()), results(), new Kill.Course());
  }

  private void require(boolean holds, String otherwise) throws IOException {
    if (!holds) {
      throw new AssertionError(otherwise + ": " + Files.readString(folder.resolve("log")));
    }
  }

  /** Starts the job in a process of its own. */
  private Process start() throws IOException {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    Files.createDirectories(folder.resolve("results"));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", classPath, MAIN, folder.toString(), job.backend()));
    command.add(String.valueOf(job.unaligned()));
    command.add(String.valueOf(job.cacheBytes()));
    command.add(String.valueOf(job.words()));
    command.add(String.valueOf(job.seed()));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
        .start();
  }

  /** Kills a process behind so many further checkpoints; returns how it ended. */
  private int killBehind(int checkpoints, Process process) throws Exception {
    long until = newestNumber() + checkpoints;
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (newestNumber() < until) {
      require(process.isAlive() && System.nanoTime() < end, "no checkpoint " + until);
      Thread.sleep(10);
    }
    process.destroyForcibly();
    return process.waitFor();
  }

  private long newestNumber() throws IOException {
    return newestCheckpoint().map(ChildJob::number).orElse(0L);
  }

  private static long number(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().substring("chk-".length()));
  }

  /** Returns the newest checkpoint that was completed. */
  private Optional<Path> newestCheckpoint() throws IOException {
    Path checkpoints = folder.resolve("checkpoints");
    if (!Files.isDirectory(checkpoints)) {
      return Optional.empty();
    }
    try (Stream<Path> all = Files.walk(checkpoints, 3)) {
      return all.filter(path -> path.getFileName().toString().equals("_metadata"))
          .map(Path::getParent)
          .max(Comparator.comparing(ChildJob::number));
    } catch (UncheckedIOException deleted) {
      return newestCheckpoint();
    }
  }

  /** Returns the results in all files. */
  private List<String> results() throws IOException {
    List<String> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder.resolve("results"))) {
      for (Path file : files.toList()) {
        all.addAll(Files.readAllLines(file));
      }
    }
    return all;
  }

  /** Writes the results between two checkpoints into a file that has the number of the second. */
  private static final class ResultFiles extends RichMapFunction<String, String>
      implements CheckpointedFunction {
    private final String folder;
    private final List<String> results = new ArrayList<>();

    ResultFiles(String folder) {
      this.folder = folder;
    }

    @Override
    public String map(String result) {
      results.add(result);
      return result;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws IOException {
      int subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
      Path file = Path.of(folder, subtask + "-" + context.getCheckpointId());
      Path part = Path.of(folder, subtask + ".part");
      Files.write(part, results);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      results.clear();
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws IOException {
      long restored = context.getRestoredCheckpointId().orElse(0);
      int subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
      try (Stream<Path> files = Files.list(Path.of(folder))) {
        for (Path file : files.toList()) {
          String name = file.getFileName().toString();
          boolean own = name.startsWith(subtask + "-");
          if (name.equals(subtask + ".part")
              || own && Long.parseLong(name.substring(name.indexOf('-') + 1)) > restored) {
            Files.delete(file);
          }
        }
      }
    }
  }
}
