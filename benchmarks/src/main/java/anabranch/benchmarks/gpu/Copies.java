package anabranch.benchmarks.gpu;

import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.MemoryWeights;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/**
 * What it costs that a row's vector lies on the host between two graphs: a graph that does next to
 * nothing with as many rows, so that their way there and back is what takes time.
 */
final class Copies {
  private final Gpu gpu;

  Copies(Gpu gpu) {
    this.gpu = gpu;
  }

  void run(Size size) {
    Graph graph = new Graph("copies");
    int width = size.width();
    graph.output("y", graph.node("Relu", Map.of(), graph.input("x", -1, width)), -1, width);
    FloatBuffer in = BufferPool.direct(size.most() * width);
    FloatBuffer out = BufferPool.direct(size.most() * width);
    MemoryWeights none = MemoryWeights.of(List.of());
    try (Session session = new Opener(none, Gpu.runtime(), gpu.target(), 1).open(graph)) {
      for (int rows : size.rows()) {
        long[] times =
            gpu.time(
                () -> {
                  try (Call call = session.call()) {
                    call.in("x", in, 0, rows, width).out("y", out, 0, rows, width).run();
                  }
                });
        double bytes = 2.0 * Float.BYTES * rows * width;
        gpu.report.note(
            "gpu.copies.T%d: %.3f ms there and back, %.1f GB/s",
            rows, Gpu.millis(times), bytes / (1e6 * Gpu.millis(times)));
      }
    }
  }
}
