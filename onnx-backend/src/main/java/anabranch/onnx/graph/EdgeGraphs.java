package anabranch.onnx.graph;

import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.layer.Norm;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Graphs around the blocks: embedding, norm of the memory, cores of attention. Stateless. */
public final class EdgeGraphs {
  private EdgeGraphs() {}

  /** Returns whether tables are summed on the host before the graph of {@link #embedding}. */
  public static boolean hasTables(Input input, Embedding embedding) {
    return input instanceof Input.Tokens
        || embedding.learnedPositions()
        || embedding.sinusoids() != null
        || input instanceof Input.Records records && records.numeric() < records.fields().size();
  }

  /** Returns how many numbers of a row are projected. */
  public static int projected(Input input) {
    return input instanceof Input.Records records ? records.numeric() : input.numbers();
  }

  /**
   * Returns the graph that completes embedded rows: maps {@code tables} (token, level and position
   * vectors, where {@link #hasTables}), {@code features} and {@code ngrams} (where the description
   * has them) to h; null where the tables are all.
   *
   * @param path of the embedding's parameters
   */
  public static @Nullable Graph embedding(
      String path, int width, Input input, Embedding embedding) {
    Graph graph = new Graph(path);
    Layers layers = new Layers(graph, width);
    String sum = hasTables(input, embedding) ? graph.input("tables", -1, width) : null;
    String first = sum;
    int numbers = projected(input);
    if (numbers > 0) {
      String x = graph.input("features", -1, numbers);
      String projected = layers.exact(path + ".features", width, numbers, true, x);
      projected = layers.times(embedding.multiplier(), projected);
      sum = sum == null ? projected : graph.node("Add", Map.of(), projected, sum);
    } else if (sum != null && input instanceof Input.Records) {
      String bias = graph.weight(path + ".features.bias", width);
      bias = layers.times(embedding.multiplier(), bias);
      sum = graph.node("Add", Map.of(), sum, bias);
    }
    Embedding.Ngrams ngrams = embedding.ngrams();
    if (ngrams != null && sum != null) {
      String x = graph.input("ngrams", -1, ngrams.inner());
      String weight = graph.weight(path + ".ngrams.projection", width, ngrams.inner());
      String projected = graph.node("Gemm", Map.of("transB", 1), x, weight);
      sum = graph.node("Add", Map.of(), sum, projected);
    }
    if (sum == null) {
      throw new AssertionError(input);
    }
    String h = layers.norm(embedding.norm(), path + ".norm", sum);
    if (h.equals(first)) {
      return null;
    }
    graph.output("h", h, -1, width);
    return graph;
  }

  /** Returns the graph of a norm: maps x to h. */
  public static Graph norm(String path, int width, Norm norm) {
    Graph graph = new Graph(path);
    String h = new Layers(graph, width).norm(norm, path, graph.input("x", -1, width));
    graph.output("h", h, -1, width);
    return graph;
  }

  /**
   * Returns the core of an attention for the rows of one sequence: maps q (1 x rows x groups by
   * width), k, v (1 x keys x width, v where there are values beside the keys) and, where causal,
   * {@code mask} (rows x keys, added to the scores) to o. Heads that share keys are rows of one.
   * With sinks or distances there always is a mask, 1 x groups x rows x keys, with a column for the
   * sink behind the keys.
   */
  public static Graph core(CoreShape shape) {
    Graph graph = new Graph("core");
    String q = graph.input("q", 1, -1, shape.keyWidth());
    String k = graph.input("k", 1, -1, shape.keyWidth());
    if (shape.sinks()) {
      k = withZero(graph, k);
    }
    String v;
    if (shape.values()) {
      v = graph.input("v", 1, -1, shape.valueWidth());
      v = shape.sinks() ? withZero(graph, v) : v;
    } else {
      v =
          graph.node(
              "Slice",
              Map.of(),
              k,
              graph.integers(0),
              graph.integers(shape.result()),
              graph.integers(2));
    }
    Map<String, Object> heads =
        Map.of(
            "q_num_heads",
            shape.groups(),
            "kv_num_heads",
            shape.groups(),
            "scale",
            (float) shape.scale());
    String o =
        shape.byHead()
            ? graph.node(
                "Attention", heads, q, k, v, graph.input("mask", 1, shape.groups(), -1, -1))
            : shape.masked()
                ? graph.node("Attention", heads, q, k, v, graph.input("mask", -1, -1))
                : graph.node("Attention", heads, q, k, v);
    graph.output("o", o, 1, -1, shape.groups() * shape.result());
    return graph;
  }

  /**
   * Returns the graph of what keys receive: maps q, k and mask, as {@link #core} has them but with
   * a mask always, to {@code received}, for each key the sum of its probabilities over heads and
   * queries. A mask by head is groups x heads of each x queries x keys.
   */
  public static Graph received(CoreShape shape) {
    Graph graph = new Graph("received");
    String p = probabilities(graph, shape);
    String sum = graph.node("ReduceSum", Map.of("keepdims", 0), p, graph.integers(0, 1, 2));
    graph.output("received", sum, -1);
    return graph;
  }

  /**
   * Returns the graph of what queries give to keys: maps what {@link #received} has to {@code
   * given}, the probabilities, groups x heads of each x queries x keys.
   */
  public static Graph given(CoreShape shape) {
    Graph graph = new Graph("given");
    String p = probabilities(graph, shape);
    graph.output("given", p, shape.groups(), shape.heads() / shape.groups(), -1, -1);
    return graph;
  }

  private static String probabilities(Graph graph, CoreShape shape) {
    int groups = shape.groups();
    int each = shape.heads() / groups;
    int width = shape.width();
    String q = graph.input("q", 1, -1, shape.queryWidth());
    String k = graph.input("k", 1, -1, shape.keyWidth());
    if (shape.sinks()) {
      k = withZero(graph, k);
    }
    String queries = graph.node("Reshape", Map.of(), q, graph.integers(-1, groups, each, width));
    queries = graph.node("Transpose", Map.of("perm", new long[] {1, 2, 0, 3}), queries);
    String keys = graph.node("Reshape", Map.of(), k, graph.integers(-1, groups, 1, width));
    keys = graph.node("Transpose", Map.of("perm", new long[] {1, 2, 3, 0}), keys);
    String scores = graph.node("MatMul", Map.of(), queries, keys);
    String scale = graph.number((float) shape.scale());
    scores = graph.node("Mul", Map.of(), scores, scale);
    String mask =
        shape.byHead() ? graph.input("mask", groups, each, -1, -1) : graph.input("mask", -1, -1);
    scores = graph.node("Add", Map.of(), scores, mask);
    return graph.node("Softmax", Map.of("axis", -1), scores);
  }

  /** Writes a row of zeros behind the rows of a value, the sink's, whose score is its addition. */
  private static String withZero(Graph graph, String value) {
    return graph.node("Pad", Map.of(), value, graph.integers(0, 0, 0, 0, 1, 0));
  }
}
