package anabranch.samples.next;

import anabranch.flink.model.ModelRecipe;
import anabranch.samples.surprise.SurpriseJob;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Runs the job of {@link Next} on a cluster of processes, kills a task manager behind the first
 * checkpoint, starts another in its place, and counts the answers.
 *
 * <p>The cluster's {@code lib} holds Flink, the SDK, the ONNX backend and the native runtime; the
 * job brings the connector, the sample and Kotlin.
 */
public final class NextOnCluster {
  private static final int SUBTASKS = 2;

  /** What the job brings. */
  private static final Pattern OWN = Pattern.compile("samples|flink-connector|kotlin|lets-plot");

  private static final Pattern COMPLETED = Pattern.compile("\"completed\":([1-9]\\d*)");
  private static final Pattern RESTORED = Pattern.compile("\"restored\":([1-9]\\d*)");

  private NextOnCluster() {}

  /** Runs the program; exits with 1 if an answer is missing or doubled. */
  public static void main(String[] args) throws Exception {
    Path folder = Files.createTempDirectory("anabranch-cluster");
    boolean exact = false;
    try {
      exact = run(folder);
    } finally {
      if (exact) {
        Next.delete(folder);
      }
    }
    System.exit(exact ? 0 : 1);
  }

  private static boolean run(Path folder) throws Exception {
    List<String> lib = new ArrayList<>();
    List<String> job = new ArrayList<>();
    for (String place : System.getProperty("java.class.path").split(File.pathSeparator)) {
      (OWN.matcher(name(Path.of(place))).find() ? job : lib)
          .add(Path.of(place).toAbsolutePath().toString());
    }
    List<String> jars = new ArrayList<>();
    for (String place : job) {
      jars.add(Files.isDirectory(Path.of(place)) ? jar(Path.of(place), folder) : place);
    }
    Writers writers = Writers.of(Next.BUNDLED.stream().map(Path::of).toList(), Next.LINES);
    List<Keystroke> strokes = writers.strokes(1);
    ModelRecipe recipe = SurpriseJob.recipe("onnx", Path.of("models/surprise.safetensors"));
    try (Cluster cluster = new Cluster(lib, folder)) {
      Process victim = cluster.startTaskManager(1);
      cluster.startTaskManager(2);
      System.out.printf(
          Locale.ROOT,
          "a job manager and %d task managers run as processes; %,d bytes of %d writers%n",
          SUBTASKS,
          strokes.size(),
          writers.texts().size());
      StreamExecutionEnvironment environment =
          StreamExecutionEnvironment.createRemoteEnvironment(
              "127.0.0.1",
              cluster.port(),
              NextJob.configuration(Files.createDirectory(folder.resolve("checkpoints")), 20),
              jars.toArray(String[]::new));
      environment.setParallelism(SUBTASKS);
      Path files = folder.resolve("answers");
      NextJob.answers(environment, "cluster", strokes, recipe)
          .map(answer -> answer.writer() + " " + answer.number())
          .returns(Types.STRING)
          .sinkTo(
              FileSink.forRowFormat(
                      new org.apache.flink.core.fs.Path(files.toUri()),
                      new SimpleStringEncoder<String>())
                  .build());
      JobClient client = environment.executeAsync("next");
      System.out.println(kill(cluster, victim, client.getJobID().toString()));
      client.getJobExecutionResult().get(5, TimeUnit.MINUTES);
      return balance(strokes, files);
    }
  }

  /** Says what is missing or doubled in the files of a job; returns whether nothing is. */
  private static boolean balance(List<Keystroke> strokes, Path files) throws IOException {
    List<String> answers = new ArrayList<>();
    try (Stream<Path> all = Files.walk(files)) {
      for (Path each : all.filter(Files::isRegularFile).toList()) {
        if (!each.getFileName().toString().startsWith(".")) {
          answers.addAll(Files.readAllLines(each));
        }
      }
    }
    Set<String> missing = new HashSet<>();
    strokes.forEach(stroke -> missing.add(stroke.writer() + " " + stroke.number()));
    int doubled = answers.size();
    for (String answer : answers) {
      doubled -= missing.remove(answer) ? 1 : 0;
    }
    System.out.printf(
        Locale.ROOT,
        "%,d answers; bytes without an answer: %d, answered twice: %d%n",
        answers.size(),
        missing.size(),
        doubled);
    return missing.isEmpty() && doubled == 0;
  }

  /** Kills a task manager once there is a checkpoint; returns what became of the job. */
  private static String kill(Cluster cluster, Process victim, String job)
      throws IOException, InterruptedException {
    String checkpoints = "/jobs/" + job + "/checkpoints";
    cluster.await(checkpoints, COMPLETED.asPredicate());
    victim.destroyForcibly();
    victim.waitFor();
    System.out.println("killed a task manager behind the first checkpoint");
    cluster.startTaskManager(SUBTASKS);
    cluster.await(checkpoints, RESTORED.asPredicate());
    return "the job was restored from a checkpoint on another task manager";
  }

  /** Returns the name of a jar, or of the module whose classes a folder has. */
  private static String name(Path place) {
    Path absolute = place.toAbsolutePath().normalize();
    return absolute.endsWith("target/classes")
        ? absolute.getParent().getParent().getFileName().toString()
        : absolute.getFileName().toString();
  }

  /** Returns a jar of the classes below a folder. */
  private static String jar(Path classes, Path into) throws IOException {
    Path file = Files.createTempFile(into, "classes", ".jar");
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(file));
        Stream<Path> all = Files.walk(classes)) {
      for (Path each : all.filter(Files::isRegularFile).toList()) {
        jar.putNextEntry(new JarEntry(classes.relativize(each).toString().replace('\\', '/')));
        Files.copy(each, jar);
        jar.closeEntry();
      }
    }
    return file.toString();
  }
}
