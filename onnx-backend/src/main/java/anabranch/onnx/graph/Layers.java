package anabranch.onnx.graph;

import anabranch.model.Activation;
import anabranch.model.FeedForward;
import anabranch.model.Norm;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes the layers of a description into a graph, for hidden vectors of one width. */
final class Layers {
  private final Graph graph;
  private final int width;

  Layers(Graph graph, int width) {
    this.graph = graph;
    this.width = width;
  }

  /** Writes a norm and returns its result; the value itself where there is none. */
  String norm(@Nullable Norm norm, String path, String value) {
    if (norm == null) {
      return value;
    }
    String scale = graph.weight(path + ".weight", width);
    Float epsilon = (float) norm.epsilon();
    if (norm instanceof Norm.Rms) {
      return graph.node(
          "SimplifiedLayerNormalization",
          Map.of("axis", -1, "epsilon", epsilon, "stash_type", 1),
          value,
          scale);
    }
    return graph.node(
        "LayerNormalization",
        Map.of("axis", -1, "epsilon", epsilon),
        value,
        scale,
        graph.weight(path + ".bias", width));
  }

  /** Writes {@code value * weight^T (+ bias)} for vectors of length {@code in}. */
  String linear(String path, int out, int in, boolean bias, String value) {
    String weight = graph.weight(path + ".weight", out, in);
    return bias
        ? graph.node("Gemm", Map.of("transB", 1), value, weight, graph.weight(path + ".bias", out))
        : graph.node("Gemm", Map.of("transB", 1), value, weight);
  }

  /** Writes a feed-forward network. */
  String network(FeedForward network, String path, String value) {
    int inner = network.inner();
    boolean bias = network.bias();
    String up = linear(path + ".up", inner, width, bias, value);
    String middle;
    if (network.gated()) {
      String gate = linear(path + ".gate", inner, width, bias, value);
      middle = graph.node("Mul", Map.of(), activation(network.activation(), gate), up);
    } else {
      middle = activation(network.activation(), up);
    }
    return linear(path + ".down", width, inner, bias, middle);
  }

  /** Writes the rest of a residual step: the norms around {@code x + update}. */
  String residual(
      @Nullable Norm after, @Nullable Norm afterSum, String path, String x, String update) {
    String sum = graph.node("Add", Map.of(), x, norm(after, path + ".after", update));
    return norm(afterSum, path + ".afterSum", sum);
  }

  private String activation(Activation activation, String value) {
    return switch (activation) {
      case RELU -> graph.node("Relu", Map.of(), value);
      case RELU_SQUARED -> {
        String positive = graph.node("Relu", Map.of(), value);
        yield graph.node("Mul", Map.of(), positive, positive);
      }
      case GELU -> graph.node("Gelu", Map.of("approximate", "none"), value);
      case SILU -> graph.node("Mul", Map.of(), value, graph.node("Sigmoid", Map.of(), value));
    };
  }
}
