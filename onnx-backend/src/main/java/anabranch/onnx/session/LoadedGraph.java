package anabranch.onnx.session;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A graph as the native runtime holds it. Any thread; to be closed once.
 *
 * @param name of the graph, for errors
 * @param session its session
 * @param mixed whether some operator runs on the CPU although the graph was meant for a device
 */
record LoadedGraph(String name, OrtSession session, boolean mixed) {
  private static final String FOLDER = "session.model_external_initializers_file_folder_path";
  private static final String NO_CPU = "session.disable_cpu_ep_fallback";
  private static final String REFUSED = "fallback to CPU EP has been explicitly disabled";

  /** How a graph runs, among others. */
  enum Use {
    /** Its products are shared out to the runtime's threads. */
    SOLE,
    /**
     * It runs on its caller's thread, as others do at the same time on theirs; memory between its
     * nodes is not kept, but asked for each time.
     */
    ONE_OF_MANY
  }

  /**
   * Loads a graph.
   *
   * @param name the graph's name, for errors
   * @param model the graph in a direct buffer, free after this call
   * @param folder of the files that the graph names for weights; null where it has them all
   * @param target where it runs
   * @param threads threads of the session, where it is the sole one and the runtime has no pool
   * @param use how it runs
   * @throws IllegalStateException if ONNX Runtime refuses it, or if an operator would run on the
   *     CPU that must not
   */
  static LoadedGraph load(
      NativeRuntime runtime,
      String name,
      ByteBuffer model,
      @Nullable Path folder,
      Target target,
      int threads,
      Use use) {
    OrtEnvironment environment = runtime.environment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      options.setMemoryPatternOptimization(false);
      options.setCPUArenaAllocator(use != Use.ONE_OF_MANY);
      if (folder != null) {
        options.addConfigEntry(FOLDER, folder.toString());
      }
      if (use != Use.SOLE) {
        options.setIntraOpNumThreads(1);
      } else if (runtime.sharesPool()) {
        options.disablePerSessionThreads();
      } else {
        options.setIntraOpNumThreads(threads);
        options.addConfigEntry("session.intra_op.allow_spinning", "0");
      }
      if (target.isCpu()) {
        return new LoadedGraph(name, environment.createSession(model, options), false);
      }
      try (OrtCUDAProviderOptions cuda = cuda(target.device())) {
        options.addCUDA(cuda);
        return withoutFallback(name, environment, model, options, target);
      }
    } catch (OrtException refused) {
      throw new IllegalStateException(
          "ONNX Runtime cannot load graph \"" + name + "\": " + refused.getMessage(), refused);
    }
  }

  /**
   * Loads a graph such that every operator runs on the device; where one cannot and that is no
   * reason to fail, once more with the CPU beside it.
   */
  static LoadedGraph withoutFallback(
      String name,
      OrtEnvironment environment,
      ByteBuffer model,
      OrtSession.SessionOptions options,
      Target target)
      throws OrtException {
    try {
      options.addConfigEntry(NO_CPU, "1");
      return new LoadedGraph(name, environment.createSession(model, options), false);
    } catch (OrtException refused) {
      if (!String.valueOf(refused.getMessage()).contains(REFUSED)) {
        throw refused;
      } else if (target.strict()) {
        throw new IllegalStateException(
            "graph \""
                + name
                + "\" has an operator that only the CPU runs, and the device is strict",
            refused);
      }
      options.addConfigEntry(NO_CPU, "0");
      return new LoadedGraph(name, environment.createSession(model, options), true);
    }
  }

  /** Full fp32: tensor cores would round the inputs of a product to 10 bits of fraction. */
  private static OrtCUDAProviderOptions cuda(int device) throws OrtException {
    OrtCUDAProviderOptions cuda = new OrtCUDAProviderOptions(device);
    cuda.add("use_tf32", "0");
    return cuda;
  }

  void close() {
    try {
      session.close();
    } catch (OrtException failed) {
      throw new IllegalStateException("graph \"" + name + "\" cannot be closed", failed);
    }
  }
}
