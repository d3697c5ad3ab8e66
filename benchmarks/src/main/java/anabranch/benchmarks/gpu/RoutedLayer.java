package anabranch.benchmarks.gpu;

import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.benchmarks.layer.Ours;
import anabranch.engine.Backends;
import anabranch.onnx.format.Products;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One routed layer, its experts one by one, fused, and in one graph with the router: our stage
 * against its floor, and against the grouped kernels of PyTorch on the same weights where there are
 * any. The floor is one graph of the products of all experts, each on an equal share of the rows;
 * nothing is routed, gathered or weighed. Its products are of the model's numbers and what lies
 * between them is fp32, as in single experts: with 16 bits it casts around each product, which a
 * kernel for all experts need not, so that a fused one may be below it.
 */
final class RoutedLayer {
  private static final double OF_FLOOR = 0.6;
  private static final double OF_GROUPED = 0.8;
  private static final int LEAST_ROWS = 512;
  static final Map<String, Map<String, String>> PLANS =
      new TreeMap<>(
          Map.of(
              "single", Map.of("onnx.graphs", "small", "onnx.experts", "single"),
              "fused", Map.of("onnx.graphs", "small", "onnx.experts", "fused"),
              "large", Map.of("onnx.graphs", "large")));
  private static final String FLOOR =
      "products in the model's numbers, with a cast around each; SiLU, products by gates and sums in"
          + " fp32";
  private static final String PATH = "blocks.0.mixture.";

  private final Gpu gpu;
  private final Size size;

  RoutedLayer(Gpu gpu, Size size) {
    this.gpu = gpu;
    this.size = size;
  }

  void run(List<String> python, Path script) {
    try (Weights weights = Size.weights(size.layer())) {
      Map<Integer, Grouped.Times> grouped = grouped(weights, python, script);
      FloatBuffer rows = BufferPool.direct(size.most() * size.width());
      weights.tensor("embedding.tokens").copyTo(rows.duplicate());
      for (int count : size.rows()) {
        measure(weights, rows, count, grouped.get(count));
      }
    }
  }

  private void measure(
      Weights weights, FloatBuffer rows, int count, Grouped.@Nullable Times grouped) {
    String name = String.format(Locale.ROOT, "gpu.layer.%s.T%d.", size, count);
    int each = Math.max(1, count * size.k() / size.experts());
    long[] least;
    try (Session floor = open(weights);
        Call call = floor.call()) {
      FloatBuffer out = BufferPool.direct(each * size.width());
      call.in("x", rows, 0, each, size.width()).out("y", out, 0, each, size.width());
      least = gpu.time(call::run);
      gpu.report.note("%sfloor %.3f ms: %s", name, Gpu.millis(least), FLOOR);
    }
    PLANS.forEach((plan, set) -> measure(weights, name + plan, set, count, least, grouped));
  }

  private void measure(
      Weights weights,
      String name,
      Map<String, String> set,
      int count,
      long[] floor,
      Grouped.@Nullable Times grouped) {
    boolean large = count >= LEAST_ROWS;
    LoadOptions options = gpu.options;
    for (Map.Entry<String, String> each : set.entrySet()) {
      options = options.with(each.getKey(), each.getValue());
    }
    try (LoadedModel model = Backends.named(gpu.backend).load(size.layer(), weights, options);
        Ours ours = new Ours(model, count)) {
      model.numerics().notes().forEach(note -> gpu.report.note("%s: %s", name, note));
      long[] own = gpu.time(ours::run);
      gpu.report.note("%s %.3f ms", name, Gpu.millis(own));
      gpu.compare(name + "/floor", own, floor, large ? OF_FLOOR : Double.NaN);
      if (grouped == null) {
        gpu.report.note("%s/grouped unmeasured", name);
      } else if (grouped.agrees(ours.result(), Grouped.bare(size, weights, count))) {
        gpu.compare(name + "/grouped", own, grouped.nanos(), large ? OF_GROUPED : Double.NaN);
      } else {
        gpu.report.note("%s/grouped unmeasured: the answers differ", name);
      }
    }
  }

  private Session open(Weights weights) {
    Graph graph = new Graph("floor");
    int width = size.width();
    int inner = size.inner();
    String x = graph.input("x", -1, width);
    String sum = x;
    for (int e = 0; e < size.experts(); e++) {
      String path = PATH + "experts." + e;
      String gate =
          graph.product(x, width, graph.weight(path + ".gate.weight", inner, width), null);
      String up = graph.product(x, width, graph.weight(path + ".up.weight", inner, width), null);
      String silu = graph.node("Mul", Map.of(), gate, graph.node("Sigmoid", Map.of(), gate));
      String middle = graph.node("Mul", Map.of(), silu, up);
      String y =
          graph.product(middle, inner, graph.weight(path + ".down.weight", width, inner), null);
      sum = graph.node("Add", Map.of(), sum, y);
    }
    graph.output("y", sum, -1, width);
    Products products = Products.valueOf(gpu.numerics.type().toUpperCase(Locale.ROOT));
    return new Opener(weights, Gpu.runtime(), gpu.target(), 1, products).open(graph);
  }

  private Map<Integer, Grouped.Times> grouped(Weights weights, List<String> python, Path script) {
    try {
      Path file = Files.createTempFile("grouped", ".safetensors");
      try {
        Grouped.write(size, weights, file);
        return Grouped.run(gpu, size, python, script, file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
