package anabranch.benchmarks.layer;

import anabranch.model.layer.Parameter;
import anabranch.onnx.graph.BlockGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A layer laid out for all ways: its weights, the graphs of its experts, and its rows. Confined to
 * one thread.
 */
final class Bench implements AutoCloseable {
  final Shape shape;
  final Weights weights;
  final Opener opener;
  final Step.Mix mix;

  /** The rows, row after row, direct. */
  final FloatBuffer rows;

  Bench(Shape shape) {
    this.shape = shape;
    weights = shape.weights();
    opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1);
    mix =
        BlockGraphs.of(shape.width(), "blocks.0", List.of(shape.layer())).stream()
            .filter(Step.Mix.class::isInstance)
            .map(Step.Mix.class::cast)
            .findFirst()
            .orElseThrow();
    rows = BufferPool.direct(Shape.ROWS * shape.width());
    weights.tensor("embedding.tokens").copyTo(rows.duplicate());
  }

  /** Returns the name of a parameter of the layer. */
  String name(String of) {
    return Shape.PATH + "." + of;
  }

  /** Returns a weight of each expert, one behind the other, as one tensor. */
  Tensor stacked(String part) {
    List<Tensor> each = new ArrayList<>();
    for (int e = 0; e < shape.experts(); e++) {
      each.add(weights.tensor(name("experts." + e + "." + part + ".weight")));
    }
    List<Integer> one = each.get(0).shape();
    float[] all = new float[Math.toIntExact(shape.experts() * each.get(0).elements())];
    FloatBuffer into = FloatBuffer.wrap(all);
    each.forEach(tensor -> tensor.copyTo(into));
    return MemoryWeights.tensor(part, List.of(shape.experts(), one.get(0), one.get(1)), all);
  }

  /** Returns a session of a graph whose constants are tensors of this layer and some more. */
  Session open(Graph graph, Tensor... more) {
    List<Tensor> all = new ArrayList<>(List.of(more));
    shape.spec().parameters().stream().map(Parameter::name).map(weights::tensor).forEach(all::add);
    return new Opener(MemoryWeights.of(all), NativeRuntime.get(1), Session.CPU, 1).open(graph);
  }

  /** Returns a session of an expert, opened as the model opens it. */
  Session openExpert(int expert) {
    return new Opener(weights, NativeRuntime.get(1), Session.CPU, 1)
        .openOneOfMany(mix.experts().get(expert));
  }

  /** Returns the graph of the router alone: x to logits. */
  Session router() {
    Graph graph = new Graph("router");
    String x = graph.input("x", -1, shape.width());
    String weight = graph.weight(name("router.weight"), shape.experts(), shape.width());
    String logits = graph.node("Gemm", Map.of("transB", 1), x, weight);
    graph.output("logits", logits, -1, shape.experts());
    return open(graph);
  }

  /** Returns what the model's head makes of rows. */
  float[] head(float[] of) {
    Tensor head = weights.tensor("head.weight");
    float[] matrix = new float[Math.toIntExact(head.elements())];
    head.copyTo(FloatBuffer.wrap(matrix));
    int width = shape.width();
    int outputs = matrix.length / width;
    float[] logits = new float[of.length / width * outputs];
    for (int i = 0; i < logits.length; i++) {
      double sum = 0;
      for (int c = 0; c < width; c++) {
        sum += (double) of[i / outputs * width + c] * matrix[i % outputs * width + c];
      }
      logits[i] = (float) sum;
    }
    return logits;
  }

  static float[] copy(FloatBuffer from, int count) {
    float[] copy = new float[count];
    from.get(0, copy);
    return copy;
  }

  @Override
  public void close() {
    opener.opened().forEach(Session::close);
    weights.close();
  }
}
