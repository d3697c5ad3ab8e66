package anabranch.onnx.session;

import ai.onnxruntime.OrtEnvironment;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** One graph, loaded or about to be. Thread-safe; closing it twice is harmless. */
public final class Session implements AutoCloseable {
  /** The CPU. */
  public static final Target CPU = Target.cpu();

  private final String name;
  private final OrtEnvironment environment;
  private final CompletableFuture<LoadedGraph> loaded;
  private final Map<String, Integer> placed;
  private final AtomicReference<@Nullable Call> idle = new AtomicReference<>();
  private final LongAdder calls = new LongAdder();
  private volatile boolean closed;

  /**
   * Creates a session.
   *
   * @param name the graph's name, for errors
   * @param loaded the graph, which may be on its way; fails as {@link LoadedGraph#load} does
   * @param placed outputs that a call places together, each with the length of its vectors
   */
  Session(
      String name,
      OrtEnvironment environment,
      CompletableFuture<LoadedGraph> loaded,
      Map<String, Integer> placed) {
    this.name = name;
    this.placed = placed;
    this.environment = environment;
    this.loaded = loaded;
  }

  /** Creates a session of a graph that is loaded. */
  Session(OrtEnvironment environment, LoadedGraph loaded) {
    this(loaded.name(), environment, CompletableFuture.completedFuture(loaded), Map.of());
  }

  /**
   * Loads a graph that holds its weights.
   *
   * @param name the graph's name, for errors
   * @param model the graph in a direct buffer, free after this call
   * @param threads threads of the session, where the runtime has no pool
   * @throws IllegalStateException if ONNX Runtime refuses it
   */
  public static Session open(
      NativeRuntime runtime, String name, ByteBuffer model, Target target, int threads) {
    return new Session(
        runtime.environment(),
        LoadedGraph.load(runtime, name, model, null, target, threads, LoadedGraph.Use.SOLE));
  }

  /**
   * Waits until the graph is loaded.
   *
   * @throws IllegalStateException if ONNX Runtime refuses it
   */
  LoadedGraph await() {
    try {
      return loaded.join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof RuntimeException cause) {
        throw cause;
      } else if (failed.getCause() instanceof Error error) {
        throw error;
      }
      throw failed;
    }
  }

  /** Starts a call; close it to give it back. */
  public Call call() {
    calls.increment();
    Call before = idle.getAndSet(null);
    return before == null ? new Call(this, environment, await().session()) : before;
  }

  /** Keeps one call for the next that wants one. */
  void back(Call call) {
    Call surplus = idle.compareAndSet(null, call) ? null : call;
    if (closed) {
      surplus = surplus == null ? idle.getAndSet(null) : surplus;
    }
    if (surplus != null) {
      surplus.free();
    }
  }

  /** Returns how many calls were started. */
  public long calls() {
    return calls.sum();
  }

  /** Returns how many numbers of each row {@link Call#place} places. */
  public int between() {
    return placed.values().stream().mapToInt(length -> length).sum();
  }

  Map<String, Integer> placed() {
    return placed;
  }

  String name() {
    return name;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    Call kept = idle.getAndSet(null);
    if (kept != null) {
      kept.free();
    }
    LoadedGraph graph = loaded.handle((made, failed) -> made).join();
    if (graph != null) {
      graph.close();
    }
  }
}
