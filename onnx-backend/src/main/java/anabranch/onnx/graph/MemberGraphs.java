package anabranch.onnx.graph;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Attention.RoutedProjections;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.RoutedHeads;
import anabranch.model.route.Gate;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import anabranch.onnx.format.Products;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Graphs of what a router picks from: members of mixtures, routed heads and projections. Stateless.
 */
public final class MemberGraphs {
  /** A logit so low that its softmax is 0, in every number type. */
  public static final float NEVER = -10_000;

  private static final long MOST_TOGETHER = 1L << 30;

  /** How the experts of a mixture become graphs. */
  public enum Form {
    /** Each is a graph. */
    SINGLE,
    /** Each is a graph, and all are one more. */
    TOGETHER,
    /** All are one operator, where there is one for them. */
    FUSED
  }

  private MemberGraphs() {}

  /** Returns the graphs of the experts, then those of the constants. */
  static List<Graph> routed(int width, String path, Mixture mixture) {
    List<Graph> graphs = new ArrayList<>();
    for (int e = 0; e < mixture.experts(); e++) {
      graphs.add(single(width, path, mixture, e));
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
      graphs.add(single(width, path, modulated, e));
    }
    return graphs;
  }

  /** Returns the graphs of the slices of a network: x to y. */
  static List<Graph> slices(int width, String path, Mixture.Sliced sliced) {
    List<Graph> graphs = new ArrayList<>();
    int out = sliced.length();
    for (int s = 0; s < sliced.slices(); s++) {
      String at = path + ".experts." + s;
      Graph graph = new Graph(at);
      String x = graph.input("x", -1, width);
      String y = new Layers(graph, width).linear(at, out, width, sliced.bias(), x);
      graph.output("y", y, -1, out);
      graphs.add(graph);
    }
    return graphs;
  }

  private static Graph single(int width, String path, Operation bank, int e) {
    Graph graph = new Graph(path + ".experts." + e);
    String x = graph.input("x", -1, width);
    graph.output("y", expert(graph, width, path, bank, e, x), -1, width);
    graph.placeBetween();
    return graph;
  }

  /**
   * Returns all experts of a mixture or a modulation in one graph: x, rows of each expert behind
   * those of the one before, and counts, how many each has, to y. Returns null where they have more
   * than 1 GiB in fp32, and in 8 bits, as the greatest number of no rows has the wrong shape.
   *
   * @param products in which numbers products are
   */
  public static @Nullable Graph together(
      int width, String path, Operation bank, Products products) {
    Graph graph = new Graph(path + ".experts");
    int experts = experts(bank);
    String x = graph.input("x", -1, width);
    String counts = graph.integerInput("counts", experts);
    List<String> apart = graph.nodes("Split", experts, Map.of("axis", 0), x, counts);
    List<String> made = new ArrayList<>();
    for (int e = 0; e < experts; e++) {
      made.add(expert(graph, width, path, bank, e, apart.get(e)));
    }
    String all = graph.node("Concat", Map.of("axis", 0), made.toArray(String[]::new));
    graph.output("y", all, -1, width);
    return products == Products.INT8 || graph.weightBytes() > MOST_TOGETHER ? null : graph;
  }

  private static String expert(
      Graph graph, int width, String path, Operation bank, int e, String x) {
    String expert = path + ".experts." + e;
    Layers layers = new Layers(graph, width);
    return bank instanceof Mixture mixture
        ? layers.network(mixture.expert(), expert, x)
        : layers.linear(expert, width, width, false, x);
  }

  /** Returns how many of the members of a mixture or a modulation are experts. */
  public static int experts(Operation bank) {
    return bank instanceof Mixture mixture ? mixture.experts() : bank.members();
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

  /**
   * Writes the logits of all heads of one side of routed projections as the output z, head by head.
   */
  static void projectionLogits(
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
  static Graph projectionLogits(int width, String path, int heads, RoutedProjections routed) {
    Graph graph = new Graph(path + ".router");
    projectionLogits(graph, width, path, heads, routed, graph.input("n", -1, width));
    return graph;
  }

  /** Returns the graphs of the experts of one side, head by head: x to y. */
  static List<List<Graph>> projections(
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

  /**
   * Returns all experts of a mixture as one operator of ONNX Runtime, from x and logits of live
   * rows to y; null where the operator computes something else. It picks by the softmax of logits,
   * so it is given logits that leave it no choice but that of the host, and the same weights.
   *
   * @param products in which numbers its weights are
   * @param kernels whose operator it is
   */
  public static @Nullable Graph fused(
      int width, String path, Mixture mixture, Products products, Kernels kernels) {
    FeedForward expert = mixture.expert();
    String activation = activation(expert);
    Router router = mixture.router();
    long longest = (long) mixture.experts() * width * expert.inner() * (expert.gated() ? 2 : 1);
    int size = products == Products.FP32 ? Float.BYTES : Short.BYTES;
    if (activation == null
        || products == Products.INT8
        || kernels.refusal(width, expert.inner(), products) != null
        || mixture.specials() != null
        || expert.bias()
        || expert.limit() != null
        || router.placement() == Placement.INPUT
        || !positive(router)
        || longest > Integer.MAX_VALUE / size) {
      return null;
    }
    Graph graph = new Graph(path + ".experts");
    List<List<String>> in = new ArrayList<>();
    List<List<String>> out = new ArrayList<>();
    for (int e = 0; e < mixture.experts(); e++) {
      String at = path + ".experts." + e;
      String up = at + ".up.weight";
      in.add(expert.gated() ? List.of(at + ".gate.weight", up) : List.of(up));
      out.add(List.of(at + ".down.weight"));
    }
    String y =
        graph.experts(
            graph.input("x", -1, width),
            graph.input("logits", -1, mixture.experts()),
            graph.stack(path + ".in", in, expert.inner(), width),
            graph.stack(path + ".out", out, width, expert.inner()),
            attributes(activation, router.selection().most(mixture.experts())));
    graph.output("y", y, -1, width);
    return graph;
  }

  private static Map<String, Object> attributes(String activation, int k) {
    Map<String, Object> usual =
        Map.of("k", k, "activation_type", activation, "normalize_routing_weights", 1);
    if (!activation.equals("swiglu")) {
      return usual;
    }
    Map<String, Object> gated = new HashMap<>(usual);
    gated.put("swiglu_fusion", 1);
    gated.put("activation_alpha", 1f);
    gated.put("activation_beta", 0f);
    return gated;
  }

  private static @Nullable String activation(FeedForward expert) {
    if (expert.gated()) {
      return expert.activation() == Activation.SILU ? "swiglu" : null;
    }
    return switch (expert.activation()) {
      case RELU -> "relu";
      case GELU_TANH -> "gelu";
      case SILU -> "silu";
      default -> null;
    };
  }

  /** Returns whether every weight is 0 or above, as what a softmax gives. */
  private static boolean positive(Router router) {
    return router.gate().of() != Gate.Of.SCORE || router.score() != Score.IDENTITY;
  }
}
