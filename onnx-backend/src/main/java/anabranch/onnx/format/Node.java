package anabranch.onnx.format;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * A node of a graph: an operator, values and attributes by name. Immutable as long as its
 * attributes are.
 *
 * @param operator a standard one, or one of ONNX Runtime behind {@code "com.microsoft."}, or {@link
 *     #PRODUCT}
 * @param from names of values; empty for an optional one that is not given
 * @param to names of its results
 */
public record Node(
    String name,
    String operator,
    List<String> from,
    List<String> to,
    Map<String, Object> attributes) {
  /** Value times transposed weight, plus a bias if there is one, in the numbers of the layout. */
  public static final String PRODUCT = "product";

  /** All experts of a mixture. */
  public static final String EXPERTS = CompleteGraph.OWN + "MoE";

  /** Returns this node in another graph, its own name behind {@code within}. */
  public Node in(String within, UnaryOperator<String> as) {
    return new Node(
        within + name,
        operator,
        from.stream().map(as).toList(),
        to.stream().map(as).toList(),
        attributes);
  }
}
