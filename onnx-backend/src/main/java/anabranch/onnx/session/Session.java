package anabranch.onnx.session;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** One graph, loaded or about to be. Thread-safe; closing it twice is harmless. */
public final class Session implements AutoCloseable {
  /** The device number that stands for the CPU. */
  public static final int CPU = -1;

  private static final String FOLDER = "session.model_external_initializers_file_folder_path";

  private final String name;
  private final OrtEnvironment environment;
  private final CompletableFuture<OrtSession> loaded;
  private final AtomicReference<@Nullable Call> idle = new AtomicReference<>();
  private volatile boolean closed;

  /**
   * Creates a session.
   *
   * @param name the graph's name, for errors
   * @param loaded the graph, which may be on its way; fails as {@link #load} does
   */
  Session(String name, OrtEnvironment environment, CompletableFuture<OrtSession> loaded) {
    this.name = name;
    this.environment = environment;
    this.loaded = loaded;
  }

  /**
   * Loads a graph.
   *
   * @param name the graph's name, for errors
   * @param model the graph in a direct buffer, free after this call
   * @param folder of the file that the graph names for weights; null where it has them all
   * @param device {@link #CPU} or the number of a CUDA device
   * @param threads threads of the session, where the runtime has no pool
   * @throws IllegalStateException if ONNX Runtime refuses it
   */
  static OrtSession load(
      NativeRuntime runtime,
      String name,
      ByteBuffer model,
      @Nullable Path folder,
      int device,
      int threads) {
    OrtEnvironment environment = runtime.environment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      options.setMemoryPatternOptimization(false);
      if (folder != null) {
        options.addConfigEntry(FOLDER, folder.toString());
      }
      if (runtime.sharesPool()) {
        options.disablePerSessionThreads();
      } else {
        options.setIntraOpNumThreads(threads);
        options.addConfigEntry("session.intra_op.allow_spinning", "0");
      }
      if (device == CPU) {
        return environment.createSession(model, options);
      }
      try (OrtCUDAProviderOptions cuda = cuda(device)) {
        options.addCUDA(cuda);
        return environment.createSession(model, options);
      }
    } catch (OrtException refused) {
      throw new IllegalStateException(
          "ONNX Runtime cannot load graph \"" + name + "\": " + refused.getMessage(), refused);
    }
  }

  /**
   * Waits until the graph is loaded.
   *
   * @throws IllegalStateException if ONNX Runtime refuses it
   */
  OrtSession await() {
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
    Call before = idle.getAndSet(null);
    return before == null ? new Call(this, environment, await()) : before;
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
    OrtSession session = loaded.handle((graph, failed) -> graph).join();
    if (session == null) {
      return;
    }
    close(name, session);
  }

  static void close(String name, OrtSession session) {
    try {
      session.close();
    } catch (OrtException failed) {
      throw new IllegalStateException("graph \"" + name + "\" cannot be closed", failed);
    }
  }

  /** Returns why a CUDA device cannot be used; empty if it can. */
  static String tryCuda(OrtEnvironment environment, int device) {
    if (!ClassPathCheck.isGpuBuild()) {
      return "this is the CPU build of ONNX Runtime "
          + environment.getVersion()
          + "; depend on anabranch-onnx-backend-gpu";
    }
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OrtCUDAProviderOptions cuda = cuda(device)) {
      options.addCUDA(cuda);
      return "";
    } catch (OrtException failed) {
      return String.valueOf(failed.getMessage()).strip();
    }
  }

  /** Full fp32: tensor cores would round the inputs of a product to 10 bits of fraction. */
  private static OrtCUDAProviderOptions cuda(int device) throws OrtException {
    OrtCUDAProviderOptions cuda = new OrtCUDAProviderOptions(device);
    cuda.add("use_tf32", "0");
    return cuda;
  }
}
