package anabranch.onnx.session;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import anabranch.onnx.crew.Crew;
import anabranch.onnx.graph.Graph;
import anabranch.weights.MemoryWeights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.security.AccessController;
import java.security.PrivilegedAction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The ONNX Runtime of this JVM: one environment with one pool of threads for all sessions, never
 * closed, and one crew that shares calls of several sessions. Thread-safe.
 *
 * <p>The environment is made on a thread with a large stack, because releases with telemetry read
 * the command line of the process recursively while they start, and a long class path then exhausts
 * an ordinary stack. Telemetry is switched off where it exists.
 */
public final class NativeRuntime {
  private static final System.Logger LOG = System.getLogger(NativeRuntime.class.getName());
  private static final long START_STACK_BYTES = 64L << 20;
  private static @Nullable CompletableFuture<NativeRuntime> started;

  private final OrtEnvironment environment;
  private final int poolThreads;
  private final Crew crew;
  private final List<String> problems;
  private final Map<Integer, String> cudaFailures = new ConcurrentHashMap<>();

  private NativeRuntime(
      OrtEnvironment environment, int poolThreads, int crewThreads, List<String> problems) {
    this.environment = environment;
    this.poolThreads = poolThreads;
    this.crew = new Crew(crewThreads, task -> thread(task, "anabranch-onnx-crew", 0));
    this.problems = List.copyOf(problems);
  }

  /** Begins to start the runtime, with a pool of that many threads, unless somebody did. */
  public static void begin(int threads) {
    starting(threads);
  }

  /**
   * Returns the runtime; the first call starts it with a pool of that many threads.
   *
   * @throws IllegalStateException if the native library cannot be loaded, saying why
   */
  public static NativeRuntime get(int threads) {
    CompletableFuture<NativeRuntime> starting = starting(threads);
    try {
      return starting.join();
    } catch (CompletionException failed) {
      again(starting);
      Throwable why = failed.getCause();
      throw new IllegalStateException(why.getMessage(), why.getCause());
    }
  }

  private static synchronized CompletableFuture<NativeRuntime> starting(int threads) {
    CompletableFuture<NativeRuntime> starting = started;
    if (starting == null) {
      CompletableFuture<NativeRuntime> next = new CompletableFuture<>();
      thread(() -> start(threads, next), "anabranch-onnx-start", START_STACK_BYTES).start();
      started = next;
      starting = next;
    }
    return starting;
  }

  /** Lets the next call try again. */
  private static synchronized void again(CompletableFuture<NativeRuntime> failed) {
    if (started == failed) {
      started = null;
    }
  }

  /** Returns what a report should say about a load that asked for that many threads. */
  public List<String> notes(int threads) {
    List<String> notes = new ArrayList<>(problems);
    if (!sharesPool()) {
      notes.add(
          "the host made the ONNX Runtime environment first, so each session has its own "
              + threads
              + " threads");
    } else if (threads != poolThreads) {
      notes.add(
          "the thread pool of this JVM has "
              + poolThreads
              + " threads, as its first load asked; this one asked for "
              + threads);
    }
    return notes;
  }

  /** Returns why a CUDA device cannot be used; null if it can. Found out by trying, once. */
  public @Nullable String cudaFailure(int device) {
    String failure = cudaFailures.computeIfAbsent(device, this::tryCuda);
    return failure.isEmpty() ? null : failure;
  }

  /** Returns what a report should say about a load that runs on CUDA. */
  public static List<String> cudaNotes() {
    String note = CudaSetup.here().withoutCudnn();
    return note == null ? List.of() : List.of(note);
  }

  /** Asks the device for the smallest possible answer; returns why there is none, empty if fine. */
  private String tryCuda(int device) {
    Graph graph = new Graph("probe");
    graph.output("y", graph.node("Relu", Map.of(), graph.input("x", 1)), 1);
    ByteBuffer model = graph.model(MemoryWeights.of(List.of()), ByteBuffer::allocateDirect, null);
    FloatBuffer number =
        ByteBuffer.allocateDirect(Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();
    try (Session probe = Session.open(this, graph.name(), model, new Target(device, true), 1);
        Call call = probe.call()) {
      call.in("x", number, 0, 1).out("y", number, 0, 1).run();
      return "";
    } catch (IllegalStateException failed) {
      return CudaSetup.here()
          .explain(String.valueOf(failed.getMessage()), ClassPathCheck.twoJars().orElse(null));
    }
  }

  /** Returns the release of ONNX Runtime. */
  public String version() {
    return environment.getVersion();
  }

  /** Returns those who share calls of several sessions: as many as the first load asked for. */
  public Crew crew() {
    return crew;
  }

  OrtEnvironment environment() {
    return environment;
  }

  /** Returns whether sessions use the pool of this runtime. */
  boolean sharesPool() {
    return poolThreads > 0;
  }

  private static void start(int threads, CompletableFuture<NativeRuntime> into) {
    List<String> problems = List.of();
    try {
      problems = ClassPathCheck.problems();
      problems.forEach(problem -> LOG.log(System.Logger.Level.WARNING, problem));
      into.complete(make(threads, problems));
    } catch (Throwable failure) {
      Throwable cause = failure;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      List<String> reasons = new ArrayList<>(problems);
      reasons.add(0, cause.toString());
      into.completeExceptionally(
          new IllegalStateException(
              "ONNX Runtime cannot start: " + String.join("; ", reasons), failure));
    }
  }

  /**
   * Returns a thread that knows nothing of its caller. Before JDK 24 a thread keeps the protection
   * domains, thus the class loaders, of all code on the stack that made it and its makers; those of
   * the crew outlive the model for which they were made where others need them, and the shutdown
   * hook that ONNX Runtime makes when it starts lives as long as the JVM.
   *
   * @param stackBytes 0 for what is usual
   */
  @SuppressWarnings("removal") // Without effect where it is not needed any more.
  private static Thread thread(Runnable task, String name, long stackBytes) {
    return AccessController.doPrivileged(
        (PrivilegedAction<Thread>)
            () -> {
              Thread thread = new Thread(null, task, name, stackBytes, false);
              thread.setDaemon(true);
              thread.setContextClassLoader(NativeRuntime.class.getClassLoader());
              return thread;
            });
  }

  private static NativeRuntime make(int threads, List<String> problems) throws OrtException {
    OrtLoggingLevel quiet = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
    OrtEnvironment environment;
    int poolThreads = threads;
    try (OrtEnvironment.ThreadingOptions pool = new OrtEnvironment.ThreadingOptions()) {
      pool.setGlobalIntraOpNumThreads(threads);
      pool.setGlobalInterOpNumThreads(1);
      pool.setGlobalSpinControl(false);
      environment = OrtEnvironment.getEnvironment(quiet, "anabranch", pool);
    } catch (IllegalStateException alreadyMade) {
      environment = OrtEnvironment.getEnvironment();
      poolThreads = 0;
    }
    environment.setTelemetry(false);
    ClassPathCheck.telemetryProblem(
            environment.getVersion(), System.getenv("ORT_DISABLE_TELEMETRY"))
        .ifPresent(problem -> LOG.log(System.Logger.Level.WARNING, problem));
    return new NativeRuntime(environment, poolThreads, threads, problems);
  }
}
