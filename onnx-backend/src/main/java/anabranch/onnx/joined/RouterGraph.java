package anabranch.onnx.joined;

import anabranch.model.route.Capacity;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Placement;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import anabranch.model.route.Source;
import anabranch.onnx.graph.Graph;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A router's decisions from logits on as standard operators, in double precision as on the host:
 * the same experts, ties to the lower index, and gates that are rounded to fp32 at the end.
 * Confined to one graph being written.
 */
final class RouterGraph {
  private static final Map<String, Object> DOUBLE = Map.of("to", 11);
  private static final Map<String, Object> FLOAT = Map.of("to", 1);
  private static final Map<String, Object> ROWS = Map.of("axis", -1);
  private static final Map<String, Object> BEST = Map.of("axis", -1, "largest", 1, "sorted", 1);

  private final Graph graph;
  private final Router router;
  private final int experts;

  /**
   * What was decided.
   *
   * @param experts the index of each choice, rows x k, integers, best first
   * @param gates fp32, rows x k
   */
  record Decided(String experts, String gates) {}

  private RouterGraph(Graph graph, Router router, int experts) {
    this.graph = graph;
    this.router = router;
    this.experts = experts;
  }

  /** Returns why the host has to decide; null where a graph can. */
  static @Nullable String hosted(Router router) {
    if (router.source() != Source.HIDDEN) {
      return "its router reads " + router.source();
    } else if (!(router.logits() instanceof Logits.Linear)
        && !(router.logits() instanceof Logits.Network)) {
      return "its logits are " + router.logits().getClass().getSimpleName();
    } else if (router.score() == Score.REST) {
      return "its score is " + router.score();
    } else if (!(router.selection() instanceof Selection.TopK top)) {
      return "its selection is " + router.selection().getClass().getSimpleName();
    } else if (top.secondary() != null) {
      return "choices after the first may be left out";
    } else if (router.preference().always() != null) {
      return "some experts are always picked";
    } else if (router.gate().of() == Gate.Of.SOFTMAX_OF_NEAR || router.gate().of() == Gate.Of.ONE) {
      return "its gate is " + router.gate().of();
    } else if (!(router.capacity() instanceof Capacity.Unlimited)) {
      return "its capacity is limited";
    }
    return router.placement() == Placement.INPUT ? "gates multiply what experts read" : null;
  }

  /**
   * Writes the decisions.
   *
   * @param path of the router's parameters
   * @param logits fp32, rows x experts
   */
  static Decided write(Graph graph, Router router, String path, int experts, String logits) {
    return new RouterGraph(graph, router, experts).write(path, logits);
  }

  private Decided write(String path, String logits) {
    String z = graph.node("Cast", DOUBLE, logits);
    String score =
        switch (router.score()) {
          case SOFTMAX -> graph.node("Softmax", ROWS, z);
          case SIGMOID -> sigmoid(z);
          default -> z;
        };
    String preference = score;
    if (router.hasCorrection()) {
      String learned = graph.weight(path + ".correction", experts);
      preference = graph.node("Add", Map.of(), score, graph.node("Cast", DOUBLE, learned));
    }
    Preference.Groups groups = router.preference().groups();
    if (groups != null) {
      preference = limited(groups, preference);
    }
    int k = router.selection().most(experts);
    String picked = graph.nodes("TopK", 2, BEST, preference, graph.integers(k)).get(1);
    return new Decided(picked, graph.node("Cast", FLOAT, gates(z, score, picked)));
  }

  private String gates(String z, String score, String picked) {
    Gate gate = router.gate();
    String weights =
        switch (gate.of()) {
          case SOFTMAX_OF_SELECTED -> graph.node("Softmax", ROWS, of(z, picked));
          case SIGMOID_OF_SELECTED -> sigmoid(of(z, picked));
          default -> of(score, picked);
        };
    Gate.Normalise normalise = gate.normalise();
    if (normalise != null) {
      String sum = graph.node("ReduceSum", Map.of("keepdims", 1), weights, graph.integers(-1));
      if (normalise.epsilon() > 0) {
        sum = graph.node("Add", Map.of(), sum, number(normalise.epsilon()));
      }
      weights = graph.node("Div", Map.of(), weights, sum);
    }
    return gate.scale() == 1 ? weights : graph.node("Mul", Map.of(), weights, number(gate.scale()));
  }

  /** Writes it as the host does: the operator of that name loses digits of small scores. */
  private String sigmoid(String z) {
    String below = graph.node("Exp", Map.of(), graph.node("Neg", Map.of(), z));
    return graph.node("Div", Map.of(), number(1), graph.node("Add", Map.of(), number(1), below));
  }

  private String of(String values, String picked) {
    return graph.node("GatherElements", Map.of("axis", 1), values, picked);
  }

  /** Writes the preferences once only experts of the best groups can be picked. */
  private String limited(Preference.Groups groups, String preference) {
    int each = experts / groups.count();
    String apart =
        graph.node("Reshape", Map.of(), preference, graph.integers(-1, groups.count(), each));
    String best = graph.nodes("TopK", 2, BEST, apart, graph.integers(groups.best())).get(0);
    String worth = graph.node("ReduceSum", Map.of("keepdims", 0), best, graph.integers(-1));
    List<String> kept = graph.nodes("TopK", 2, BEST, worth, graph.integers(groups.keep()));
    String none = filled(0, worth);
    String ones = filled(1, kept.get(1));
    String mask = graph.node("ScatterElements", Map.of("axis", 1), none, kept.get(1), ones);
    String column = graph.node("Unsqueeze", Map.of(), mask, graph.integers(-1));
    String stays = graph.node("Greater", Map.of(), column, graph.number(0));
    float masked = groups.maskedToZero() ? 0 : Float.NEGATIVE_INFINITY;
    String others = graph.node("Cast", DOUBLE, graph.number(masked));
    String limited = graph.node("Where", Map.of(), stays, apart, others);
    return graph.node("Reshape", Map.of(), limited, graph.integers(-1, experts));
  }

  private String filled(float number, String like) {
    return graph.node(
        "Expand", Map.of(), graph.number(number), graph.node("Shape", Map.of(), like));
  }

  /** Adds a number of double precision: the sum of three of fp32 is one. */
  private String number(double value) {
    float high = (float) value;
    float middle = (float) (value - high);
    float low = (float) (value - high - middle);
    String sum = graph.node("Cast", DOUBLE, graph.number(high));
    for (float part : new float[] {middle, low}) {
      if (part != 0) {
        String next = graph.node("Cast", DOUBLE, graph.number(part));
        sum = graph.node("Add", Map.of(), sum, next);
      }
    }
    return sum;
  }
}
