package anabranch.samples.next;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A standalone Flink cluster of this machine: a job manager and task managers of one slot, each a
 * process of its own that listens on the loopback alone. Confined to one thread.
 */
final class Cluster implements AutoCloseable {
  private static final String JOB_MANAGER =
      "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint";
  private static final String TASK_MANAGER =
      "org.apache.flink.runtime.taskexecutor.TaskManagerRunner";
  private static final long PATIENCE_SECONDS = 120;

  private final HttpClient http = HttpClient.newHttpClient();
  private final List<Process> processes = new ArrayList<>();
  private final List<String> classPath;
  private final Path folder;
  private final int port;

  /**
   * Starts the job manager.
   *
   * @param classPath what lies in the folder {@code lib} of a cluster
   * @param folder for its configuration and its logs
   */
  Cluster(List<String> classPath, Path folder) throws IOException, InterruptedException {
    this.classPath = classPath;
    this.folder = folder;
    port = freePort();
    String configuration =
        String.join(
            "\n",
            "jobmanager.rpc.address: 127.0.0.1",
            "jobmanager.bind-host: 127.0.0.1",
            "jobmanager.rpc.port: " + freePort(),
            "jobmanager.memory.process.size: 1g",
            "rest.address: 127.0.0.1",
            "rest.bind-address: 127.0.0.1",
            "rest.port: " + port,
            "taskmanager.host: 127.0.0.1",
            "taskmanager.bind-host: 127.0.0.1",
            "taskmanager.numberOfTaskSlots: 1",
            "taskmanager.cpu.cores: 1",
            "taskmanager.memory.task.heap.size: 256m",
            "taskmanager.memory.task.off-heap.size: 512m",
            "taskmanager.memory.framework.heap.size: 128m",
            "taskmanager.memory.framework.off-heap.size: 128m",
            "taskmanager.memory.network.min: 64m",
            "taskmanager.memory.network.max: 64m",
            "taskmanager.memory.managed.size: 0m",
            "taskmanager.memory.jvm-metaspace.size: 256m",
            "taskmanager.memory.jvm-overhead.min: 192m",
            "taskmanager.memory.jvm-overhead.max: 192m",
            "heartbeat.interval: 1000",
            "heartbeat.timeout: 8000",
            "");
    Files.writeString(folder.resolve("config.yaml"), configuration);
    start("job-manager", JOB_MANAGER);
    await("/overview", answer -> answer.contains("\"taskmanagers\""));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private Process start(String name, String program) throws IOException {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Process process =
        new ProcessBuilder(
                java.toString(),
                "-Xmx384m",
                "-XX:MaxDirectMemorySize=704m",
                "-classpath",
                String.join(File.pathSeparator, classPath),
                program,
                "--configDir",
                folder.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(name + "-" + processes.size() + ".log").toFile())
            .start();
    processes.add(process);
    return process;
  }

  /** Starts a task manager and waits until there are that many. */
  Process startTaskManager(int all) throws IOException, InterruptedException {
    Process process = start("task-manager", TASK_MANAGER);
    await("/overview", answer -> answer.contains("\"taskmanagers\":" + all + ","));
    return process;
  }

  /** Returns the port of the job manager's REST interface. */
  int port() {
    return port;
  }

  /** Asks the job manager until the answer is as it should be. */
  String await(String path, Predicate<String> good) throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    String answer = "";
    while (System.nanoTime() < end) {
      answer = get(path);
      if (good.test(answer)) {
        return answer;
      }
      if (!processes.get(0).isAlive()) {
        break;
      }
      Thread.sleep(50);
    }
    throw new IOException(
        "the cluster answers " + path + " with \"" + answer + "\"; its logs are in " + folder);
  }

  private String get(String path) throws InterruptedException {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build();
      return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
    } catch (IOException early) {
      return "";
    }
  }

  /** Ends all processes. */
  @Override
  public void close() throws InterruptedException {
    for (Process process : processes) {
      process.destroyForcibly();
    }
    for (Process process : processes) {
      process.waitFor(10, TimeUnit.SECONDS);
    }
  }
}
