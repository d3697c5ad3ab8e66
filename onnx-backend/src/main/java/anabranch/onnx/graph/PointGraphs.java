package anabranch.onnx.graph;

import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Graphs of what stands behind a stage: heads and scores. Stateless. */
public final class PointGraphs {
  private PointGraphs() {}

  /**
   * Returns the graph of a head behind its pool: maps x to logits.
   *
   * @param in the length of what it reads: the width, or that of all rows
   */
  public static Graph head(String path, int in, Head head) {
    Graph graph = new Graph(path);
    Layers layers = new Layers(graph, in);
    String value = layers.norm(head.norm(), path + ".norm", graph.input("x", -1, in));
    Head.Hidden hidden = head.hidden();
    int length = in;
    if (hidden != null) {
      value = layers.exact(path + ".hidden", hidden.inner(), in, true, value);
      value = layers.activation(hidden.activation(), value);
      length = hidden.inner();
    }
    String logits = layers.exact(path, head.outputs(), length, head.bias(), value);
    graph.output("logits", layers.times(head.multiplier(), logits), -1, head.outputs());
    return graph;
  }

  /** Returns the graph of a learned score: maps x to score, rows x 1. */
  public static Graph learned(String path, int width) {
    Graph graph = new Graph(path + ".score");
    Layers layers = new Layers(graph, width);
    String z = layers.exact(path + ".score", 1, width, true, graph.input("x", -1, width));
    graph.output("score", graph.node("Sigmoid", Map.of(), z), -1, 1);
    return graph;
  }

  /** Returns the graph of a choice of depth: maps x to logits. */
  public static Graph choice(String path, int width, int depths, boolean bias) {
    Graph graph = new Graph(path + ".score");
    Layers layers = new Layers(graph, width);
    String z = layers.exact(path + ".score", depths, width, bias, graph.input("x", -1, width));
    graph.output("logits", z, -1, depths);
    return graph;
  }

  /**
   * Returns the graph of a score: maps logits to score, rows x 1; null for entropy, whose sum the
   * host takes.
   */
  public static @Nullable Graph score(Criterion.Score score, int outputs) {
    if (score == Criterion.Score.ENTROPY) {
      return null;
    }
    Graph graph = new Graph("score." + score);
    String p = graph.node("Softmax", Map.of("axis", -1), graph.input("logits", -1, outputs));
    String result;
    Map<String, Object> sorted = Map.of("axis", -1, "largest", 1, "sorted", 1);
    if (score == Criterion.Score.MARGIN && outputs > 1) {
      List<String> best = graph.nodes("TopK", 2, sorted, p, graph.integers(2));
      List<String> each =
          graph.nodes("Split", 2, Map.of("axis", -1, "num_outputs", 2), best.get(0));
      result = graph.node("Sub", Map.of(), each.get(0), each.get(1));
    } else {
      result = graph.nodes("TopK", 2, sorted, p, graph.integers(1)).get(0);
    }
    graph.output("score", result, -1, 1);
    return graph;
  }
}
