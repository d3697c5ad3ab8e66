package anabranch.benchmarks.stage;

import anabranch.model.ModelSpec;
import anabranch.model.layer.Block;
import anabranch.onnx.format.Products;
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The blocks of a model as bare calls of the runtime, each on so many rows from the first on, with
 * tensors made beforehand. Confined to one thread.
 */
final class Kernels implements AutoCloseable {
  private final Opener opener;
  private final List<Call> calls = new ArrayList<>();
  private final List<Session> sessions = new ArrayList<>();
  private final int width;
  private FloatBuffer x;
  private FloatBuffer spare;

  /** Opens the blocks of a model of token-wise layers for at most so many rows. */
  Kernels(ModelSpec spec, Weights weights, int most) {
    this(spec, weights, most, Products.FP32);
  }

  /** Opens the same with products in other numbers. */
  Kernels(ModelSpec spec, Weights weights, int most, Products products) {
    width = spec.width();
    opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1, products);
    List<Block> blocks = spec.plan().blocks();
    for (int block = 0; block < blocks.size(); block++) {
      List<Step> steps = BlockGraphs.of(width, "blocks." + block, blocks.get(block).sublayers());
      sessions.addAll(steps.stream().flatMap(Step::graphs).map(opener::open).toList());
    }
    x = BufferPool.direct(most * width);
    spare = BufferPool.direct(most * width);
  }

  /** Returns where rows are written before the first call, and stand after the last. */
  FloatBuffer rows() {
    return x;
  }

  /** Prepares the next block for that many rows; the others stay as they are. */
  void prepare(int rows) {
    Session session = sessions.get(calls.size());
    calls.add(session.call().in("x", x, 0, rows, width).out("h", spare, 0, rows, width));
    FloatBuffer moved = spare;
    spare = x;
    x = moved;
  }

  /** Calls all that was prepared. */
  void run() {
    calls.forEach(Call::run);
  }

  /** Returns the calls that were prepared. */
  Stream<Call> calls() {
    return calls.stream();
  }

  @Override
  public void close() {
    calls.forEach(Call::close);
    opener.opened().forEach(Session::close);
  }
}
