package anabranch.onnx.session;

import anabranch.onnx.graph.Graph;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Opens the sessions of one load, and reads what stays on the host. Confined to one thread. */
public final class Opener {
  private final Weights weights;
  private final NativeRuntime runtime;
  private final int device;
  private final int threads;
  private final List<Session> opened = new ArrayList<>();

  /**
   * Creates an opener.
   *
   * @param device {@link Session#CPU} or the number of a CUDA device
   * @param threads threads of a session, where the runtime has no pool
   */
  public Opener(Weights weights, NativeRuntime runtime, int device, int threads) {
    this.weights = weights;
    this.runtime = runtime;
    this.device = device;
    this.threads = threads;
  }

  /** Returns the weights. */
  public Weights weights() {
    return weights;
  }

  /** Loads a graph. */
  public Session open(Graph graph) {
    Session session = Session.open(runtime, graph.name(), graph.model(weights), device, threads);
    opened.add(session);
    return session;
  }

  /** Returns the numbers of a tensor. */
  public float[] numbers(String name) {
    Tensor tensor = weights.tensor(name);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.copyTo(FloatBuffer.wrap(values));
    return values;
  }

  /** Returns every session that was opened. */
  public List<Session> opened() {
    return opened;
  }
}
