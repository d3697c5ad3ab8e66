package anabranch.onnx.graph;

import anabranch.model.layer.Attention;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.RoutedHeads;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Graphs of what a router picks from: members of mixtures, and routed heads. Stateless. */
final class MemberGraphs {
  private MemberGraphs() {}

  /** Returns the graphs of the experts, then those of the constants. */
  static List<Graph> routed(int width, String path, Mixture mixture) {
    List<Graph> graphs = new ArrayList<>();
    for (int e = 0; e < mixture.experts(); e++) {
      String expert = path + ".experts." + e;
      Graph graph = new Graph(expert);
      String x = graph.input("x", -1, width);
      graph.output("y", new Layers(graph, width).network(mixture.expert(), expert, x), -1, width);
      graphs.add(graph);
    }
    Mixture.Specials specials = mixture.specials();
    for (int c = 0; specials != null && c < specials.constants(); c++) {
      graphs.add(constant(width, path + ".constants." + c));
    }
    return graphs;
  }

  /** Returns the graphs of the matrices of a modulation, expert by expert. */
  static List<Graph> maps(int width, String path, Mixture.Modulated modulated) {
    List<Graph> graphs = new ArrayList<>();
    for (int e = 0; e < modulated.experts(); e++) {
      String expert = path + ".experts." + e;
      Graph graph = new Graph(expert);
      String x = graph.input("x", -1, width);
      graph.output("y", new Layers(graph, width).linear(expert, width, width, false, x), -1, width);
      graphs.add(graph);
    }
    return graphs;
  }

  /** Returns the graph of the network that every row runs; null where there is none. */
  static @Nullable Graph shared(int width, String path, Mixture mixture) {
    Mixture.Shared shared = mixture.shared();
    if (shared == null) {
      return null;
    }
    Graph graph = new Graph(path + ".shared");
    Layers layers = new Layers(graph, width);
    String x = graph.input("x", -1, width);
    String y = layers.network(shared.network(), path + ".shared", x);
    if (shared.weighed()) {
      String z = layers.exact(path + ".shared.score", 1, width, false, x);
      y = graph.node("Mul", Map.of(), graph.node("Sigmoid", Map.of(), z), y);
    }
    graph.output("y", y, -1, width);
    return graph;
  }

  private static Graph constant(int width, String path) {
    Graph graph = new Graph(path);
    String x = graph.input("x", -1, width);
    String z = new Layers(graph, width).exact(path, 2, width, false, x);
    String share = graph.node("Softmax", Map.of("axis", -1), z);
    List<String> shares = graph.nodes("Split", 2, Map.of("axis", -1, "num_outputs", 2), share);
    String own = graph.node("Mul", Map.of(), shares.get(0), x);
    String learned = graph.weight(path + ".vector", width);
    String added = graph.node("Mul", Map.of(), shares.get(1), learned);
    graph.output("y", graph.node("Add", Map.of(), own, added), -1, width);
    return graph;
  }

  /** Returns the graphs of the queries of routed heads, expert by expert: x to q, unrotated. */
  static List<Graph> queries(int width, String path, Attention attention, RoutedHeads routed) {
    List<Graph> graphs = new ArrayList<>();
    for (int e = 0; e < routed.experts(); e++) {
      String at = path + ".experts." + e + ".q";
      Graph graph = new Graph(at);
      Layers layers = new Layers(graph, width);
      int out = attention.queryWidth();
      String x = graph.input("x", -1, width);
      String q = layers.linear(at, out, width, attention.bias().ofInputs(), x);
      graph.output("q", layers.clip(attention.clip(), q), -1, out);
      graphs.add(graph);
    }
    return graphs;
  }

  /** Returns the graphs of what routed heads read, expert by expert: u to y. */
  static List<Graph> results(int width, String path, Attention attention, RoutedHeads routed) {
    List<Graph> graphs = new ArrayList<>();
    for (int e = 0; e < routed.experts(); e++) {
      String at = path + ".experts." + e + ".o";
      Graph graph = new Graph(at);
      int in = attention.resultWidth();
      String u = graph.input("u", -1, in);
      boolean bias = attention.bias().ofResult();
      graph.output("y", new Layers(graph, width).linear(at, width, in, bias, u), -1, width);
      graphs.add(graph);
    }
    return graphs;
  }
}
