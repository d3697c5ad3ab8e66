package anabranch.onnx.graph;

import anabranch.model.position.Rotary;
import java.util.Map;

/** Writes rotary positions: pairs of elements of each head's vector rotate against each other. */
final class Rotation {
  private Rotation() {}

  /**
   * Rotates rows x (heads * headWidth) by the angles of the inputs cos and sin, 1 x rows x pairs,
   * which it declares.
   *
   * @return the name of the result, 1 x rows x (heads * headWidth)
   */
  static String write(Graph graph, String value, int heads, int headWidth, Rotary rotary) {
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
