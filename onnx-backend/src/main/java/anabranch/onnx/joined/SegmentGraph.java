package anabranch.onnx.joined;

import anabranch.model.layer.Mixture;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.graph.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One joined graph being written, step after step. Confined to one load. */
final class SegmentGraph {
  private final Graph graph;
  private final int width;
  private final List<Ports.Routed> routed = new ArrayList<>();
  private boolean reads;
  private int update;
  private boolean moves;
  private @Nullable String x;
  private @Nullable String pending;
  private @Nullable String normed;
  private @Nullable String logits;
  private int logitsLength;

  SegmentGraph(String name, int width) {
    graph = new Graph(name);
    this.width = width;
  }

  Graph graph() {
    return graph;
  }

  /** Returns whether the graph may end here: nothing but hidden vectors is on its way. */
  boolean mayEnd() {
    return pending == null && normed == null && logits == null;
  }

  /** Adds token-wise layers. */
  void layers(Step.Tokenwise layers) {
    Map<String, String> given = new HashMap<>();
    if (layers.reads()) {
      given.put("x", x());
    }
    if (layers.update() > 0) {
      given.put("u", pending(layers.update()));
    }
    Map<String, String> made = graph.join(layers.graph(), given);
    pending = null;
    moves |= layers.moves();
    x = layers.moves() ? made.get("h") : x;
    normed = layers.normed() ? made.get("n") : null;
    logits = layers.logits() > 0 ? made.get("logits") : null;
    logitsLength = layers.logits();
  }

  /**
   * Adds a mixture.
   *
   * @param experts maps x and logits to y
   * @param later how many visits after the first of this graph
   */
  void mixture(Step.Mix mix, Mixture mixture, Bank bank, Graph experts, int later) {
    String read = mix.normed() && normed != null ? normed : x();
    if (logits == null) {
      throw new AssertionError(mix.path() + " has no logits");
    }
    int members = mixture.members();
    RouterGraph.Decided decided =
        RouterGraph.write(graph, mixture.router(), mix.path() + ".router", members, logits);
    int k = mixture.router().selection().most(members);
    int number = routed.size();
    graph.output(Ports.logitsOf(number), logits, -1, members);
    String indices = graph.node("Cast", Map.of("to", 1), decided.experts());
    String both = graph.node("Concat", Map.of("axis", -1), indices, decided.gates());
    graph.output(Ports.decidedOf(number), both, -1, 2L * k);
    routed.add(new Ports.Routed(bank, members, k, later));
    String sum = experts(experts, read, decided);
    if (mixture.constant()) {
      String constant = graph.weight(mix.path() + ".constant", width);
      sum = graph.node("Add", Map.of(), sum, constant);
    }
    Graph shared = mix.shared();
    if (shared != null) {
      String each = result(graph.join(shared, Map.of("x", read)), "y");
      sum = graph.node("Add", Map.of(), sum, each);
    }
    if (mix.finish() == Step.Finish.ADDED) {
      x = graph.node("Add", Map.of(), sum, x());
      moves = true;
    } else {
      pending = sum;
    }
    normed = null;
    logits = null;
    logitsLength = 0;
  }

  /** Writes the experts' sum, weighed by gates: the operator picks what logits leave it. */
  private String experts(Graph experts, String read, RouterGraph.Decided decided) {
    String all = String.valueOf(logits);
    String never = graph.number(MemberGraphs.NEVER);
    String nobody = graph.node("Expand", Map.of(), never, graph.node("Shape", Map.of(), all));
    String shares =
        graph.node("Max", Map.of(), graph.node("Log", Map.of(), decided.gates()), never);
    String forced =
        graph.node("ScatterElements", Map.of("axis", 1), nobody, decided.experts(), shares);
    String mean = result(graph.join(experts, Map.of("x", read, "logits", forced)), "y");
    String total =
        graph.node("ReduceSum", Map.of("keepdims", 1), decided.gates(), graph.integers(-1));
    String zero = graph.number(0);
    String seen = graph.node("Greater", Map.of(), total, zero);
    return graph.node("Where", Map.of(), seen, graph.node("Mul", Map.of(), mean, total), zero);
  }

  /** Adds the first part of an attention. */
  void front(Step.Attend attend, CoreShape shape, boolean turned) {
    Graph query = attend.query();
    if (query == null) {
      throw new AssertionError(attend.path() + " makes no queries");
    }
    String live = x();
    String others = graph.input("f", -1, width);
    String all = graph.node("Concat", Map.of("axis", 0), live, others);
    Map<String, Object> first = Map.of("start", 0, "end", 1);
    String count = graph.node("Shape", first, live);
    Map<String, String> shown = new HashMap<>(Map.of("x", all));
    Map<String, String> asked = new HashMap<>();
    if (turned) {
      int pairs = attend.attention().rotatedWidth() / 2;
      for (String angle : List.of("cos", "sin")) {
        graph.input(angle, 1, -1, pairs);
        shown.put(angle, angle);
        asked.put(angle, slice(angle, count, 1));
      }
    }
    Map<String, String> made = graph.join(attend.keysAndValues(), shown);
    asked.put("n", attend.normed() ? slice(result(made, "n"), count, 0) : live);
    vectors("k", result(made, "k"), shape.keyWidth(), turned);
    if (shape.valueWidth() > 0) {
      vectors("v", result(made, "v"), shape.valueWidth(), false);
    }
    vectors("q", result(graph.join(query, asked), "q"), shape.queryWidth(), turned);
  }

  private void vectors(String name, String from, int length, boolean turned) {
    if (turned) {
      graph.output(name, from, 1, -1, length);
    } else {
      graph.output(name, from, -1, length);
    }
  }

  private String slice(String value, String count, int axis) {
    return graph.node("Slice", Map.of(), value, graph.integers(0), count, graph.integers(axis));
  }

  /** Declares what is left, and returns all ports. */
  Ports done(Ports.@Nullable Front front) {
    if (pending != null) {
      throw new AssertionError(graph.name() + " leaves an update that nobody finishes");
    }
    if (moves && x != null) {
      graph.output("h", x, -1, width);
    }
    if (normed != null) {
      graph.output("n", normed, -1, width);
    }
    if (logits != null) {
      graph.output("logits", logits, -1, logitsLength);
    }
    return new Ports(reads, update, moves, normed != null, logitsLength, routed, front);
  }

  private String x() {
    if (x == null) {
      x = graph.input("x", -1, width);
      reads = true;
    }
    return x;
  }

  private String pending(int length) {
    if (pending == null) {
      pending = graph.input("u", -1, length);
      update = length;
    }
    return pending;
  }

  private static String result(Map<String, String> made, String name) {
    String value = made.get(name);
    if (value == null) {
      throw new AssertionError("no output " + name + " among " + made.keySet());
    }
    return value;
  }
}
