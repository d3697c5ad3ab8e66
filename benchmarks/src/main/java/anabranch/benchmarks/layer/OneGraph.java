package anabranch.benchmarks.layer;

import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.weights.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A layer in one graph, which routes by itself: rows in, rows out. */
final class OneGraph implements Way {
  private final Session session;
  private final Call call;
  private final FloatBuffer results;
  private final int numbers;

  private OneGraph(Bench bench, int count, Graph graph, Tensor... more) {
    int width = bench.shape.width();
    session = bench.open(graph, more);
    numbers = count * width;
    results = BufferPool.direct(numbers);
    call = session.call().in("x", bench.rows, 0, count, width).out("y", results, 0, count, width);
  }

  /** Returns the way that sorts the rows by experts and splits them. */
  static OneGraph sorted(Bench bench, int count) {
    Shape shape = bench.shape;
    int k = shape.k();
    int width = shape.width();
    Graph graph = new Graph("sorted");
    String x = graph.input("x", count, width);
    List<String> top = top(bench, graph, x);
    String shares = graph.node("Softmax", Map.of("axis", -1), top.get(0));
    String flat = graph.node("Reshape", Map.of(), top.get(1), graph.integers(-1));
    String all = graph.integers((long) count * k);
    List<String> order =
        graph.nodes("TopK", 2, Map.of("axis", 0, "largest", 0, "sorted", 1), flat, all);
    String source = graph.node("Div", Map.of(), order.get(1), graph.integers(k));
    String ones = graph.node("Expand", Map.of(), graph.integers(1), all);
    String counts =
        graph.node(
            "ScatterElements",
            Map.of("axis", 0, "reduction", "add"),
            graph.integers(new long[shape.experts()]),
            flat,
            ones);
    long[] numbers = new long[count * k];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = i;
    }
    String range = graph.integers(numbers);
    String inverse = graph.node("ScatterElements", Map.of("axis", 0), range, order.get(1), range);
    String sorted = graph.node("Gather", Map.of("axis", 0), x, source);
    List<String> chunks = graph.nodes("Split", shape.experts(), Map.of("axis", 0), sorted, counts);
    List<String> done = new ArrayList<>();
    for (int e = 0; e < shape.experts(); e++) {
      done.add(expert(bench, graph, e, chunks.get(e)));
    }
    String joined = graph.node("Concat", Map.of("axis", 0), done.toArray(String[]::new));
    String back = graph.node("Gather", Map.of("axis", 0), joined, inverse);
    String each = graph.node("Reshape", Map.of(), back, graph.integers(-1, k, width));
    String apart = graph.node("Reshape", Map.of(), shares, graph.integers(-1, k, 1));
    String weighed = graph.node("Mul", Map.of(), each, apart);
    String sum = graph.node("ReduceSum", Map.of("keepdims", 0), weighed, graph.integers(1));
    graph.output("y", graph.node("Add", Map.of(), x, sum), count, width);
    return new OneGraph(bench, count, graph);
  }

  /** Returns the way that runs every expert on every row and masks what was not picked. */
  static OneGraph masked(Bench bench, int count) {
    Shape shape = bench.shape;
    int width = shape.width();
    Graph graph = new Graph("masked");
    String x = graph.input("x", count, width);
    String logits = logits(bench, graph, x);
    List<String> top =
        graph.nodes("TopK", 2, Map.of("axis", -1), logits, graph.integers(shape.k()));
    String least = graph.node("ReduceMin", Map.of("keepdims", 1), top.get(0), graph.integers(-1));
    String picked = graph.node("GreaterOrEqual", Map.of(), logits, least);
    String cut =
        graph.node("Where", Map.of(), picked, logits, graph.number(Float.NEGATIVE_INFINITY));
    String shares = graph.node("Softmax", Map.of("axis", -1), cut);
    List<String> columns =
        graph.nodes(
            "Split", shape.experts(), Map.of("axis", -1, "num_outputs", shape.experts()), shares);
    String sum = x;
    for (int e = 0; e < shape.experts(); e++) {
      String weighed = graph.node("Mul", Map.of(), expert(bench, graph, e, x), columns.get(e));
      sum = graph.node("Add", Map.of(), sum, weighed);
    }
    graph.output("y", sum, count, width);
    return new OneGraph(bench, count, graph);
  }

  /** Returns the way of the runtime's own operator for mixtures. */
  static OneGraph fused(Bench bench, int count) {
    Shape shape = bench.shape;
    int width = shape.width();
    Graph graph = new Graph("fused");
    String x = graph.input("x", count, width);
    Tensor up = bench.stacked("up");
    Tensor down = bench.stacked("down");
    String y =
        graph.node(
            "com.microsoft.MoE",
            Map.of("k", shape.k(), "activation_type", "relu", "normalize_routing_weights", 1),
            x,
            logits(bench, graph, x),
            graph.weight("up", shape.experts(), shape.inner(), width),
            "",
            graph.weight("down", shape.experts(), width, shape.inner()));
    graph.output("y", graph.node("Add", Map.of(), x, y), count, width);
    return new OneGraph(bench, count, graph, up, down);
  }

  private static List<String> top(Bench bench, Graph graph, String x) {
    Map<String, Object> sorted = Map.of("axis", -1, "largest", 1, "sorted", 1);
    String k = graph.integers(bench.shape.k());
    return graph.nodes("TopK", 2, sorted, logits(bench, graph, x), k);
  }

  private static String logits(Bench bench, Graph graph, String x) {
    Shape shape = bench.shape;
    String weight = graph.weight(bench.name("router.weight"), shape.experts(), shape.width());
    return graph.node("Gemm", Map.of("transB", 1), x, weight);
  }

  private static String expert(Bench bench, Graph graph, int e, String rows) {
    Shape shape = bench.shape;
    String path = bench.name("experts." + e);
    String up = graph.weight(path + ".up.weight", shape.inner(), shape.width());
    String down = graph.weight(path + ".down.weight", shape.width(), shape.inner());
    String middle = graph.node("Relu", Map.of(), graph.node("Gemm", Map.of("transB", 1), rows, up));
    return graph.node("Gemm", Map.of("transB", 1), middle, down);
  }

  @Override
  public void run() {
    call.run();
  }

  @Override
  public float[] result() {
    call.run();
    return Bench.copy(results, numbers);
  }

  @Override
  public void close() {
    call.close();
    session.close();
  }
}
