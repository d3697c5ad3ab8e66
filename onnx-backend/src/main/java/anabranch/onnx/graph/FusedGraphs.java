package anabranch.onnx.graph;

import anabranch.model.layer.Activation;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.route.Gate;
import anabranch.model.route.Placement;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import anabranch.onnx.Precision;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All experts of a mixture as one operator of ONNX Runtime. It picks by the softmax of logits; it
 * is given logits that leave it no choice but that of the host, and the same weights. Stateless.
 */
public final class FusedGraphs {
  /** A logit so low that its softmax is 0, in every number type. */
  public static final float NEVER = -10_000;

  private FusedGraphs() {}

  /**
   * Returns the graph that maps x and logits of live rows to y; null where the operator computes
   * something else.
   *
   * @param precision of its weights
   */
  public static @Nullable Graph of(int width, String path, Mixture mixture, Precision precision) {
    FeedForward expert = mixture.expert();
    String activation = activation(expert);
    Router router = mixture.router();
    long longest = (long) mixture.experts() * width * expert.inner() * (expert.gated() ? 2 : 1);
    int size = precision == Precision.FP32 ? Float.BYTES : Short.BYTES;
    if (activation == null
        || precision == Precision.INT8
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
