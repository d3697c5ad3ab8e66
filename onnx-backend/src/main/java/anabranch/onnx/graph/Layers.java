package anabranch.onnx.graph;

import anabranch.model.layer.Activation;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.position.Rotary;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.onnx.format.MatrixRows;
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
    return norm(norm, path, width, value);
  }

  /** Writes a norm of each part of a vector, all with the same parameters. */
  String parts(Norm norm, String path, int part, int out, String value) {
    if (part == out) {
      return norm(norm, path, out, value);
    }
    String apart = graph.node("Reshape", Map.of(), value, graph.integers(-1, part));
    String normed = norm(norm, path, part, apart);
    return graph.node("Reshape", Map.of(), normed, graph.integers(-1, out));
  }

  /** Writes a cut of every number to {@code -most..most}; none where it is null. */
  String clip(@Nullable Double most, String value) {
    if (most == null) {
      return value;
    }
    float bound = (float) (double) most;
    return graph.node("Clip", Map.of(), value, graph.number(-bound), graph.number(bound));
  }

  private String norm(@Nullable Norm norm, String path, int width, String value) {
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

  /**
   * Writes {@code value * weight^T (+ bias)} for vectors of length {@code in}, in the precision
   * that the model runs in.
   */
  String linear(String path, int out, int in, boolean bias, String value) {
    String weight = graph.weight(path + ".weight", out, in);
    return graph.product(value, in, weight, bias ? graph.weight(path + ".bias", out) : null);
  }

  /** Writes the same in fp32 whatever the model runs in: decisions hang on it, or answers. */
  String exact(String path, int out, int in, boolean bias, String value) {
    String weight = graph.weight(path + ".weight", out, in);
    return bias
        ? graph.node("Gemm", Map.of("transB", 1), value, weight, graph.weight(path + ".bias", out))
        : graph.node("Gemm", Map.of("transB", 1), value, weight);
  }

  /** Writes the logits of a router. */
  String logits(Router router, String path, int count, String value) {
    boolean bias = router.hasBias();
    String read = value;
    if (router.logits() instanceof Logits.Network network) {
      String hidden = exact(path + ".hidden", network.inner(), width, bias, value);
      read = activation(network.activation(), hidden);
    } else if (router.logits() instanceof Logits.Conditioned conditioned) {
      read = activation(conditioned.activation(), value);
    }
    return exact(path, count, router.logits().reads(width), bias, read);
  }

  /**
   * Writes products with each of several matrices, in fp32 and with the same bits for any number of
   * rows: matrices x rows x in to matrices x rows x out.
   *
   * @param single whether results have one number, so that matrices are not transposed
   */
  static String each(Graph graph, String weight, MatrixRows part, boolean single, String value) {
    String matrices = graph.part(weight, part);
    if (single) {
      // Products of length 1 have a kernel of their own.
      String product = graph.node("Mul", Map.of(), value, matrices);
      return graph.node("ReduceSum", Map.of("keepdims", 1), product, graph.integers(2));
    }
    // So have products of one row, which is given twice.
    String last =
        graph.node(
            "Slice",
            Map.of(),
            value,
            graph.integers(-1),
            graph.integers(Integer.MAX_VALUE),
            graph.integers(1));
    String more = graph.node("Concat", Map.of("axis", 1), value, last);
    String product = graph.node("MatMul", Map.of(), more, matrices);
    return graph.node(
        "Slice", Map.of(), product, graph.integers(0), graph.integers(-1), graph.integers(1));
  }

  /** Writes what a sliced network makes of its slices. */
  String behind(Mixture.Sliced sliced, String path, String value) {
    int inner = sliced.inner();
    Mixture.Sliced.Fusion fusion = sliced.fusion();
    String fused = value;
    if (fusion != null) {
      boolean across = fusion.kind() == Mixture.Sliced.Fusion.Kind.MONARCH;
      int slices = sliced.slices();
      int length = sliced.length();
      String apart = graph.node("Reshape", Map.of(), value, graph.integers(-1, slices, length));
      String mixed = square(path + ".within.weight", slices, length, turned(apart, 1, 0, 2));
      if (across) {
        mixed = square(path + ".across.weight", length, slices, turned(mixed, 2, 1, 0));
      }
      String rows = across ? turned(mixed, 1, 2, 0) : turned(mixed, 1, 0, 2);
      fused = graph.node("Reshape", Map.of(), rows, graph.integers(-1, inner));
      if (fusion.bias()) {
        String bias = graph.weight(path + ".fusion.bias", inner);
        fused = graph.node("Add", Map.of(), fused, bias);
      }
    }
    String activated = activation(sliced.activation(), fused);
    return linear(path + ".down", width, inner, sliced.bias(), activated);
  }

  private String square(String weight, int matrices, int length, String value) {
    boolean single = length == 1;
    MatrixRows part = new MatrixRows(matrices, length, 0, length, length, !single);
    return each(graph, weight, part, single, value);
  }

  private String turned(String value, long... order) {
    return graph.node("Transpose", Map.of("perm", order), value);
  }

  /** Writes a feed-forward network. */
  String network(FeedForward network, String path, String value) {
    int inner = network.inner();
    boolean bias = network.bias();
    String up = linear(path + ".up", inner, width, bias, value);
    String middle;
    if (network.gated()) {
      String gate = linear(path + ".gate", inner, width, bias, value);
      graph.between(gate, inner);
      graph.between(up, inner);
      Double limit = network.limit();
      if (limit != null) {
        String most = graph.number(limit.floatValue());
        String least = graph.number(-limit.floatValue());
        gate = graph.node("Min", Map.of(), gate, most);
        up = graph.node("Clip", Map.of(), up, least, most);
        up = graph.node("Add", Map.of(), up, graph.number(1));
      }
      middle = graph.node("Mul", Map.of(), activation(network.activation(), gate), up);
    } else {
      middle = activation(network.activation(), up);
    }
    return linear(path + ".down", width, inner, bias, middle);
  }

  /** Writes the rest of a residual step: the norms and the factor around {@code x + update}. */
  String residual(BlockGraphs.Place place, String x, String update) {
    String path = place.path();
    String added = times(place.multiplier(), norm(place.after(), path + ".after", update));
    return norm(place.afterSum(), path + ".afterSum", graph.node("Add", Map.of(), x, added));
  }

  /** Writes a product with a factor; returns the value itself where there is none. */
  String times(@Nullable Double factor, String value) {
    return factor == null
        ? value
        : graph.node("Mul", Map.of(), value, graph.number(factor.floatValue()));
  }

  /** Writes a non-linearity. */
  String activation(Activation activation, String value) {
    return switch (activation) {
      case RELU -> graph.node("Relu", Map.of(), value);
      case RELU_SQUARED -> {
        String positive = graph.node("Relu", Map.of(), value);
        yield graph.node("Mul", Map.of(), positive, positive);
      }
      case GELU -> graph.node("Gelu", Map.of("approximate", "none"), value);
      case GELU_TANH -> graph.node("Gelu", Map.of("approximate", "tanh"), value);
      case QUICK_GELU -> {
        String steep = graph.node("Mul", Map.of(), value, graph.number(1.702f));
        yield graph.node("Mul", Map.of(), value, graph.node("Sigmoid", Map.of(), steep));
      }
      case TANH -> graph.node("Tanh", Map.of(), value);
      case SILU -> graph.node("Mul", Map.of(), value, graph.node("Sigmoid", Map.of(), value));
    };
  }

  /**
   * Rotates pairs of elements of each head's vector, rows x (heads * headWidth), by the angles of
   * the inputs cos and sin, 1 x rows x pairs, which it declares.
   *
   * @return the name of the result, 1 x rows x (heads * headWidth)
   */
  static String rotated(Graph graph, String value, int heads, int headWidth, Rotary rotary) {
    int width = rotary.width(headWidth);
    String cos = graph.input("cos", 1, -1, width / 2);
    String sin = graph.input("sin", 1, -1, width / 2);
    String batched = graph.node("Unsqueeze", Map.of(), value, graph.integers(0));
    return graph.node(
        "RotaryEmbedding",
        Map.of(
            "num_heads",
            heads,
            "interleaved",
            rotary.interleaved() ? 1 : 0,
            "rotary_embedding_dim",
            width == headWidth ? 0 : width),
        batched,
        cos,
        sin);
  }
}
