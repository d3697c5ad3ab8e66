package anabranch.onnx.format;

import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A graph with all that it is laid out from. Field numbers are those of the public {@code
 * onnx.proto}. Safe for several threads as long as nothing is added any more.
 *
 * @param name for errors and logs
 * @param nodes in order
 * @param renamed names of outputs by those of the results that they are
 */
public record CompleteGraph(
    String name,
    List<Node> nodes,
    Constants constants,
    List<Value> inputs,
    List<Value> outputs,
    Map<String, String> renamed) {
  private static final long IR_VERSION = 10;
  private static final long OPSET = 23;
  private static final String OWN_DOMAIN = "com.microsoft";

  /** Stands before operators of ONNX Runtime. */
  static final String OWN = OWN_DOMAIN + ".";

  /** Copies the lists and the names. */
  public CompleteGraph {
    nodes = List.copyOf(nodes);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    renamed = Map.copyOf(renamed);
  }

  /**
   * Returns the model, its constants taken from the weights.
   *
   * @param products in which numbers its products are
   * @param wide whether those of 16 bits are computed in fp32 all the same, on rounded operands
   * @param room gives a direct buffer of at least so many bytes, which is what is returned
   * @param beside takes large weights, which the model then names; null to hold them all
   */
  public ByteBuffer model(
      Weights from,
      Products products,
      boolean wide,
      IntFunction<ByteBuffer> room,
      @Nullable LargeWeights beside) {
    Numbers numbers = Numbers.of(products, wide);
    nodes.forEach(numbers::add);
    Message graph = new Message();
    numbers.nodes().forEach(node -> graph.message(1, message(node)));
    numbers.constants().forEach(constant -> graph.message(5, constant));
    graph.text(2, name);
    Store store = new Store(room, beside);
    constants.messages(from, numbers, store).forEach(constant -> graph.message(5, constant));
    inputs.forEach(input -> graph.message(11, input.message(true)));
    outputs.forEach(output -> graph.message(12, output.message(false)));
    Message model =
        new Message()
            .number(1, IR_VERSION)
            .text(2, "anabranch")
            .message(7, graph)
            .message(8, new Message().text(1, "").number(2, OPSET));
    if (numbers.nodes().stream().anyMatch(node -> node.operator().startsWith(OWN))) {
      model.message(8, new Message().text(1, OWN_DOMAIN).number(2, 1L));
    }
    return model.layOut("graph \"" + name + "\"", room);
  }

  private Message message(Node node) {
    Message message = new Message();
    node.from().forEach(value -> message.text(1, renamed.getOrDefault(value, value)));
    node.to().forEach(value -> message.text(2, renamed.getOrDefault(value, value)));
    boolean own = node.operator().startsWith(OWN);
    message.text(3, node.name());
    message.text(4, own ? node.operator().substring(OWN.length()) : node.operator());
    new TreeMap<>(node.attributes())
        .forEach((key, value) -> message.message(5, attribute(key, value)));
    return own ? message.text(7, OWN_DOMAIN) : message;
  }

  private static Message attribute(String key, Object value) {
    Message attribute = new Message().text(1, key);
    if (value instanceof Float number) {
      return attribute.number(2, number).number(20, 1L);
    }
    if (value instanceof Integer number) {
      return attribute.number(3, (long) number).number(20, 2L);
    }
    if (value instanceof String text) {
      return attribute.text(4, text).number(20, 3L);
    }
    if (value instanceof long[] list) {
      for (long number : list) {
        attribute.number(8, number);
      }
      return attribute.number(20, 7L);
    }
    throw new AssertionError(key + " " + value);
  }
}
