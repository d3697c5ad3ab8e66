package anabranch.onnx.graph;

import anabranch.model.layer.Attention.RoutedProjections;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Graphs of projections that a router picks for each head. Stateless. */
final class ProjectionGraphs {
  private ProjectionGraphs() {}

  /** Writes the logits of all heads of one side as the output z, head by head. */
  static void logits(
      Graph graph, int width, String path, int heads, RoutedProjections routed, String from) {
    int each = routed.router().logitsFor(routed.experts());
    Layers layers = new Layers(graph, width);
    List<String> all = new ArrayList<>();
    for (int h = 0; h < heads; h++) {
      all.add(layers.logits(routed.router(), path + "." + h + ".router", each, from));
    }
    String z = graph.node("Concat", Map.of("axis", -1), all.toArray(String[]::new));
    graph.output("z", z, -1, heads * each);
  }

  /** Returns the graph that makes the logits of one side from n. */
  static Graph logits(int width, String path, int heads, RoutedProjections routed) {
    Graph graph = new Graph(path + ".router");
    logits(graph, width, path, heads, routed, graph.input("n", -1, width));
    return graph;
  }

  /** Returns the graphs of the experts of one side, head by head: x to y. */
  static List<List<Graph>> experts(
      String path, int heads, int in, int out, RoutedProjections routed) {
    List<List<Graph>> all = new ArrayList<>();
    for (int h = 0; h < heads; h++) {
      List<Graph> own = new ArrayList<>();
      for (int e = 0; e < routed.experts(); e++) {
        String at = path + "." + h + ".experts." + e;
        Graph graph = new Graph(at);
        String x = graph.input("x", -1, in);
        graph.output("y", new Layers(graph, in).linear(at, out, in, false, x), -1, out);
        own.add(graph);
      }
      all.add(own);
    }
    return all;
  }
}
