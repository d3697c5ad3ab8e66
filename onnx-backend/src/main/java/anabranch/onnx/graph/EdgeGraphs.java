package anabranch.onnx.graph;

import anabranch.model.Attention;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Graphs around the stages: embedding, heads, scores, and the core of attention. Stateless. */
public final class EdgeGraphs {
  private EdgeGraphs() {}

  /** Returns whether tables are summed on the host before the graph of {@link #embedding}. */
  public static boolean hasTables(ModelSpec spec) {
    return spec.input() instanceof Input.Tokens || spec.embedding().learnedPositions();
  }

  /**
   * Returns the graph that completes embedded rows: maps {@code tables} (token and position
   * vectors, where {@link #hasTables}), {@code features} and {@code ngrams} (where the description
   * has them) to h; null where the tables are all.
   */
  public static @Nullable Graph embedding(ModelSpec spec) {
    Embedding embedding = spec.embedding();
    Embedding.Ngrams ngrams = embedding.ngrams();
    Graph graph = new Graph("embedding");
    Layers layers = new Layers(graph, spec.width());
    String sum = hasTables(spec) ? graph.input("tables", -1, spec.width()) : null;
    String first = sum;
    if (spec.input() instanceof Input.Features features) {
      String x = graph.input("features", -1, features.features());
      String projected =
          layers.linear("embedding.features", spec.width(), features.features(), true, x);
      sum = sum == null ? projected : graph.node("Add", Map.of(), projected, sum);
    }
    if (ngrams != null && sum != null) {
      String x = graph.input("ngrams", -1, ngrams.inner());
      String weight = graph.weight("embedding.ngrams.projection", spec.width(), ngrams.inner());
      String projected = graph.node("Gemm", Map.of("transB", 1), x, weight);
      sum = graph.node("Add", Map.of(), sum, projected);
    }
    if (sum == null) {
      throw new AssertionError(spec.input());
    }
    String h = layers.norm(embedding.norm(), "embedding.norm", sum);
    if (h.equals(first)) {
      return null;
    }
    graph.output("h", h, -1, spec.width());
    return graph;
  }

  /** Returns the graph of a head: maps x to logits. */
  public static Graph head(ModelSpec spec, Head head, String path) {
    Graph graph = new Graph(path);
    Layers layers = new Layers(graph, spec.width());
    String n = layers.norm(head.norm(), path + ".norm", graph.input("x", -1, spec.width()));
    String logits = layers.linear(path, head.outputs(), spec.width(), head.bias(), n);
    graph.output("logits", logits, -1, head.outputs());
    return graph;
  }

  /**
   * Returns the graph of a score: maps logits to score, rows x 1; null for entropy, whose sum the
   * host takes.
   */
  public static @Nullable Graph score(Exit.Criterion.Score score, int outputs) {
    if (score == Exit.Criterion.Score.ENTROPY) {
      return null;
    }
    Graph graph = new Graph("score." + score);
    String p = graph.node("Softmax", Map.of("axis", -1), graph.input("logits", -1, outputs));
    String result;
    if (score == Exit.Criterion.Score.MARGIN && outputs > 1) {
      Map<String, Object> sorted = Map.of("axis", -1, "largest", 1, "sorted", 1);
      List<String> best = graph.nodes("TopK", 2, sorted, p, graph.integers(2));
      List<String> each =
          graph.nodes("Split", 2, Map.of("axis", -1, "num_outputs", 2), best.get(0));
      result = graph.node("Sub", Map.of(), each.get(0), each.get(1));
    } else {
      result = graph.node("ReduceMax", Map.of("keepdims", 1), p, graph.integers(-1));
    }
    graph.output("score", result, -1, 1);
    return graph;
  }

  /**
   * Returns the core of an attention for the rows of one sequence: maps q (1 x queries x width), k,
   * v (1 x keys x width) and, where causal, {@code mask} (queries x keys, added to the scores) to
   * o.
   */
  public static Graph core(Attention attention) {
    Graph graph = new Graph("core");
    int queryWidth = attention.queryWidth();
    String q = graph.input("q", 1, -1, queryWidth);
    String k = graph.input("k", 1, -1, attention.keyValueWidth());
    String v = graph.input("v", 1, -1, attention.keyValueWidth());
    Map<String, Object> heads =
        Map.of("q_num_heads", attention.heads(), "kv_num_heads", attention.keyValueHeads());
    String o =
        attention.mask() == Attention.Mask.CAUSAL
            ? graph.node("Attention", heads, q, k, v, graph.input("mask", -1, -1))
            : graph.node("Attention", heads, q, k, v);
    graph.output("o", o, 1, -1, queryWidth);
    return graph;
  }
}
