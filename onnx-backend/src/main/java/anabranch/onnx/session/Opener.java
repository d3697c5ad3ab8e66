package anabranch.onnx.session;

import anabranch.onnx.Precision;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.WeightFile;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Opens the sessions of one load, and reads what stays on the host. Confined to one thread. */
public final class Opener {
  private static final System.Logger LOG = System.getLogger(Opener.class.getName());
  private static final long LEAST_BESIDE = 1 << 20;
  private static final int MOST_NAMED = 8;

  /** Windows keeps files that are mapped. */
  private static final boolean CAN_DELETE_MAPPED_FILES = File.separatorChar == '/';

  private final Weights weights;
  private final NativeRuntime runtime;
  private final Target target;
  private final int threads;
  private final Precision precision;
  private final boolean fused;
  private final List<String> noted = new ArrayList<>();
  private final List<Session> opened = new ArrayList<>();
  private final Map<Object, List<Once>> once = new HashMap<>();
  private ByteBuffer room = ByteBuffer.allocateDirect(0);

  private record Once(List<String> weights, Session session) {}

  /** Creates an opener of graphs in fp32. */
  public Opener(Weights weights, NativeRuntime runtime, Target target, int threads) {
    this(weights, runtime, target, threads, Precision.FP32, false);
  }

  /**
   * Creates an opener.
   *
   * @param target where its sessions run
   * @param threads threads of a session, where the runtime has no pool
   * @param precision of products
   * @param fused whether all experts of a mixture become one operator, where there is one
   */
  public Opener(
      Weights weights,
      NativeRuntime runtime,
      Target target,
      int threads,
      Precision precision,
      boolean fused) {
    this.weights = weights;
    this.runtime = runtime;
    this.target = target;
    this.threads = threads;
    this.precision = precision;
    this.fused = fused;
  }

  /** Creates an opener whose experts are graphs of their own. */
  public Opener(
      Weights weights, NativeRuntime runtime, Target target, int threads, Precision precision) {
    this(weights, runtime, target, threads, precision, false);
  }

  /** Returns whether all experts of a mixture become one operator, where there is one. */
  public boolean fused() {
    return fused;
  }

  /** Returns the precision of products. */
  public Precision precision() {
    return precision;
  }

  /** Notes what a report should say about a graph. */
  public void note(String note) {
    if (noted.size() < MOST_NAMED) {
      noted.add(note);
    }
  }

  /** Returns the weights. */
  public Weights weights() {
    return weights;
  }

  /**
   * Loads a graph.
   *
   * @throws IllegalStateException if ONNX Runtime refuses it
   */
  public Session open(Graph graph) {
    Session session = null;
    if (graph.weightBytes() >= LEAST_BESIDE && CAN_DELETE_MAPPED_FILES) {
      session = beside(graph);
    }
    if (session == null) {
      ByteBuffer model = graph.model(weights, precision, target.isCpu(), this::room, null);
      session = Session.open(runtime, graph.name(), model, null, target, threads);
    }
    opened.add(session);
    return session;
  }

  /**
   * Loads a graph unless one was loaded so before that computes the same with the same numbers,
   * such as a head that several exits share under names of their own.
   *
   * @param form equal for graphs that differ in the names of their weights alone
   */
  public Session openOnce(Object form, Graph graph) {
    List<Once> alike = once.computeIfAbsent(form, any -> new ArrayList<>());
    for (Once each : alike) {
      if (sameNumbers(each.weights, graph.weights())) {
        return each.session;
      }
    }
    Session session = open(graph);
    alike.add(new Once(graph.weights(), session));
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

  /** Loads a graph whose large weights stand in a file meanwhile; null if there is no room. */
  private @Nullable Session beside(Graph graph) {
    try {
      Path folder = Files.createTempDirectory("anabranch-onnx");
      try (WeightFile file = new WeightFile(folder.resolve("weights"))) {
        ByteBuffer model = graph.model(weights, precision, target.isCpu(), this::room, file);
        return Session.open(runtime, graph.name(), model, folder, target, threads);
      } finally {
        Files.deleteIfExists(folder);
      }
    } catch (IOException | UncheckedIOException full) {
      LOG.log(System.Logger.Level.DEBUG, "weights of " + graph.name() + " are held twice", full);
      return null;
    }
  }

  /** Returns the same memory for graph after graph: each is read before the next is written. */
  private ByteBuffer room(int bytes) {
    if (room.capacity() < bytes) {
      room = ByteBuffer.allocateDirect(bytes);
    }
    return room;
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
        opened.stream().filter(Session::mixed).map(Session::name).sorted().toList();
    if (mixed.isEmpty()) {
      return List.copyOf(noted);
    }
    List<String> some = mixed.subList(0, Math.min(mixed.size(), MOST_NAMED));
    List<String> all = new ArrayList<>(noted);
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
