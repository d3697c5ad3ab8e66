package anabranch.onnx.session;

import anabranch.onnx.crew.Crew;
import anabranch.onnx.format.LargeWeights;
import anabranch.onnx.format.Products;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.Kernels;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Opens the sessions of one load, and reads what stays on the host. Confined to one thread; a few
 * of its own load graphs meanwhile, and end soon after the last.
 */
public final class Opener {
  private static final System.Logger LOG = System.getLogger(Opener.class.getName());
  private static final long LEAST_BESIDE = 1 << 20;
  private static final int MOST_NAMED = 8;
  private static final int MOST_LOADERS = 4;
  private static final long IDLE_MILLIS = 100;

  private final Weights weights;
  private final NativeRuntime runtime;
  private final Target target;
  private final Kernels kernels;
  private final int threads;
  private final Products products;
  private final Crew crew;
  private final List<String> noted = new ArrayList<>();
  private int notNamed;
  private volatile boolean over;
  private final List<Session> opened = new ArrayList<>();
  private final List<Once> once = new ArrayList<>();
  private final ExecutorService loaders;
  private final ThreadLocal<Room> room = ThreadLocal.withInitial(Room::new);

  private record Once(Object alike, List<String> weights, Session session) {}

  /** Memory for graph after graph: each is read before the next is written. */
  private static final class Room {
    private ByteBuffer bytes = ByteBuffer.allocateDirect(0);

    ByteBuffer of(int least) {
      if (bytes.capacity() < least) {
        bytes = ByteBuffer.allocateDirect(least);
      }
      return bytes;
    }
  }

  /** Creates an opener of graphs in fp32. */
  public Opener(Weights weights, NativeRuntime runtime, Target target, int threads) {
    this(weights, runtime, target, threads, Products.FP32);
  }

  /**
   * Creates an opener.
   *
   * @param weights to stay open until {@link #await}
   * @param target where its sessions run
   * @param kernels for whose operators graphs are written: usually those of the target
   * @param threads threads of a session, where the runtime has no pool
   * @param products in which numbers products are
   * @param crew shares calls of several sessions
   */
  public Opener(
      Weights weights,
      NativeRuntime runtime,
      Target target,
      Kernels kernels,
      int threads,
      Products products,
      Crew crew) {
    this.weights = weights;
    this.runtime = runtime;
    this.target = target;
    this.kernels = kernels;
    this.threads = threads;
    this.crew = crew;
    int processors = Runtime.getRuntime().availableProcessors();
    int count = target.isCpu() ? Math.min(MOST_LOADERS, processors) : 1;
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            count,
            count,
            IDLE_MILLIS,
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "anabranch-onnx-load");
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    loaders = pool;
    this.products = products;
  }

  /** Creates an opener of graphs that are called one behind the other. */
  public Opener(
      Weights weights, NativeRuntime runtime, Target target, int threads, Products products) {
    this(weights, runtime, target, target.kernels(), threads, products, Crew.alone());
  }

  /** Returns those who share calls of several sessions. */
  public Crew crew() {
    return crew;
  }

  /** Returns in which numbers products are. */
  public Products products() {
    return products;
  }

  /** Returns for whose operators graphs are written. */
  public Kernels kernels() {
    return kernels;
  }

  /** Notes what a report should say about a graph. */
  public void note(String note) {
    if (noted.size() < MOST_NAMED) {
      noted.add(note);
    } else {
      notNamed++;
    }
  }

  /** Returns the weights. */
  public Weights weights() {
    return weights;
  }

  /** Starts to load a graph; whether that succeeds, {@link #await} and the first call say. */
  public Session open(Graph graph) {
    return open(graph, LoadedGraph.Use.SOLE);
  }

  /**
   * Does so for one of many such graphs, each on a thread of the crew. It keeps no scratch memory:
   * what it noted of its own would have left the caches when its turn comes again, and the others'
   * have not.
   */
  public Session openOneOfMany(Graph graph) {
    return open(graph, LoadedGraph.Use.ONE_OF_MANY);
  }

  private Session open(Graph graph, LoadedGraph.Use use) {
    CompletableFuture<LoadedGraph> loaded =
        CompletableFuture.supplyAsync(() -> load(graph, use), loaders);
    Map<String, Integer> placed = target.isCpu() ? graph.placed() : Map.of();
    Session session = new Session(graph.name(), runtime.environment(), loaded, placed);
    opened.add(session);
    return session;
  }

  /**
   * Waits until all graphs are loaded.
   *
   * @throws IllegalStateException if ONNX Runtime refuses one
   */
  public void await() {
    try {
      opened.forEach(Session::await);
    } finally {
      over = true;
    }
  }

  private LoadedGraph load(Graph graph, LoadedGraph.Use use) {
    if (over) {
      throw new IllegalStateException(
          "graph \"" + graph.name() + "\" is not loaded, because another one was refused");
    }
    LoadedGraph session = null;
    if (graph.weightBytes() >= LEAST_BESIDE && LargeWeights.POSSIBLE) {
      session = stored(graph, use);
      session = session == null ? written(graph, use, graph.weightBytes()) : session;
    }
    return session == null
        ? load(
            graph, graph.model(weights, products, kernels.wide(), room.get()::of, null), null, use)
        : session;
  }

  private LoadedGraph load(
      Graph graph, ByteBuffer model, @Nullable Path folder, LoadedGraph.Use use) {
    return LoadedGraph.load(runtime, graph.name(), model, folder, target, threads, use);
  }

  /**
   * Loads a graph unless one was loaded so before that computes the same with the same numbers,
   * such as a head that several exits share under names of their own.
   *
   * @param alike equal for graphs that differ in the names of their weights alone
   */
  public Session openOnce(Object alike, Graph graph) {
    for (Once each : once) {
      if (each.alike.equals(alike) && sameNumbers(each.weights, graph.weights())) {
        return each.session;
      }
    }
    Session session = open(graph);
    once.add(new Once(alike, graph.weights(), session));
    return session;
  }

  private boolean sameNumbers(List<String> names, List<String> others) {
    for (int i = 0; i < names.size(); i++) {
      Tensor one = weights.tensor(names.get(i));
      Tensor other = weights.tensor(others.get(i));
      boolean alike = one.type() == other.type() && one.shape().equals(other.shape());
      if (!alike || one.bytes().mismatch(other.bytes()) >= 0) {
        return false;
      }
    }
    return true;
  }

  /** Loads a graph whose large weights lie in files as it needs them; null if some do not. */
  private @Nullable LoadedGraph stored(Graph graph, LoadedGraph.Use use) {
    List<String> large = products == Products.FP32 ? graph.large() : List.of();
    LargeWeights.Stored stored =
        LargeWeights.Stored.of(large.stream().map(weights::tensor).toList());
    if (stored == null) {
      return null;
    }
    ByteBuffer model = graph.model(weights, products, kernels.wide(), room.get()::of, stored);
    LoadedGraph session = null;
    try {
      session = load(graph, model, stored.folder(), use);
    } catch (IllegalStateException refused) {
      LOG.log(System.Logger.Level.DEBUG, "weights of " + graph.name() + " are copied", refused);
    }
    if (session != null && !stored.hold()) {
      session.close();
      return null;
    }
    return session;
  }

  /**
   * Loads a graph whose large weights stand in a file meanwhile; null if there is no room.
   *
   * @throws IllegalStateException if there is none, and the graph is too large without
   */
  private @Nullable LoadedGraph written(Graph graph, LoadedGraph.Use use, long bytes) {
    LoadedGraph session = null;
    try {
      Path folder = Files.createTempDirectory("anabranch-onnx");
      try (LargeWeights.Written file = new LargeWeights.Written(folder.resolve("weights"))) {
        ByteBuffer model = graph.model(weights, products, kernels.wide(), room.get()::of, file);
        session = load(graph, model, folder, use);
      } finally {
        Files.deleteIfExists(folder);
      }
    } catch (IOException | UncheckedIOException failed) {
      String what =
          session == null ? " are held twice" : " stay in a temporary file that cannot be deleted";
      if (session == null && bytes > Graph.MOST_MESSAGE_BYTES) {
        throw new IllegalStateException(
            "graph \""
                + graph.name()
                + "\" has "
                + bytes
                + " bytes of weights, at most "
                + Graph.MOST_MESSAGE_BYTES
                + " without files, and none could be written to java.io.tmpdir "
                + System.getProperty("java.io.tmpdir"),
            failed);
      }
      LOG.log(System.Logger.Level.DEBUG, "weights of " + graph.name() + what, failed);
    }
    return session;
  }

  /** Returns the numbers of a tensor. */
  public float[] numbers(String name) {
    Tensor tensor = weights.tensor(name);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.copyTo(FloatBuffer.wrap(values));
    return values;
  }

  /** Returns what a report should say about the graphs loaded so far. */
  public List<String> notes() {
    List<String> mixed =
        opened.stream()
            .filter(session -> session.await().mixed())
            .map(Session::name)
            .sorted()
            .toList();
    List<String> all = new ArrayList<>(noted);
    if (notNamed > 0) {
      all.add("and " + notNamed + " more of that kind");
    }
    if (mixed.isEmpty()) {
      return all;
    }
    List<String> some = mixed.subList(0, Math.min(mixed.size(), MOST_NAMED));
    all.add(
        "in "
            + mixed.size()
            + " of "
            + opened.size()
            + " graphs an operator without a CUDA kernel runs on the CPU: "
            + String.join(", ", some)
            + (some.size() < mixed.size() ? ", ..." : ""));
    return all;
  }

  /** Returns every session that was opened. */
  public List<Session> opened() {
    return opened;
  }
}
