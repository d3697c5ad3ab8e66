package anabranch.benchmarks.process;

import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The experts of the wide model as bare calls, each on as many rows as the others, which lie ready.
 * Confined to one thread.
 */
final class BareExperts implements AutoCloseable {
  private final List<Session> sessions = new ArrayList<>();
  private final List<Call> calls = new ArrayList<>();

  /**
   * Opens the experts.
   *
   * @param threads of the runtime's pool
   */
  BareExperts(Path file, int threads) {
    List<Graph> graphs =
        BlockGraphs.of(Wide.WIDTH, "blocks.0", Wide.spec().plan().blocks().get(0).sublayers())
            .stream()
            .filter(Step.Mix.class::isInstance)
            .flatMap(step -> ((Step.Mix) step).experts().stream())
            .toList();
    int count = Wide.ROWS * Wide.TAKEN / graphs.size();
    try (Weights weights = Safetensors.open(file)) {
      Opener opener = new Opener(weights, NativeRuntime.get(threads), Session.CPU, threads);
      FloatBuffer rows = BufferPool.direct(count * Wide.WIDTH);
      for (int i = 0; i < rows.capacity(); i++) {
        rows.put(i, i % 17 - 8);
      }
      for (Graph graph : graphs) {
        Session session = opener.open(graph);
        sessions.add(session);
        FloatBuffer results = BufferPool.direct(count * Wide.WIDTH);
        calls.add(
            session
                .call()
                .in("x", rows, 0, count, Wide.WIDTH)
                .out("y", results, 0, count, Wide.WIDTH));
      }
      opener.await();
    }
  }

  /** Runs all, one behind the other. */
  void inTurn() {
    calls.forEach(Call::run);
  }

  /** Runs one half here and the other on another thread at the same time. */
  void halved() {
    int half = calls.size() / 2;
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(() -> calls.subList(0, half).forEach(Call::run));
    calls.subList(half, calls.size()).forEach(Call::run);
    other.join();
  }

  @Override
  public void close() {
    calls.forEach(Call::close);
    sessions.forEach(Session::close);
  }
}
