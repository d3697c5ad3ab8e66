package anabranch.onnx.graph;

import anabranch.onnx.format.CompleteGraph;
import anabranch.onnx.format.Constants;
import anabranch.onnx.format.LargeWeights;
import anabranch.onnx.format.MatrixRows;
import anabranch.onnx.format.Node;
import anabranch.onnx.format.Products;
import anabranch.onnx.format.Stack;
import anabranch.onnx.format.Value;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One ONNX graph being written: fp32 inputs and outputs by name, weights as constants, nodes in
 * order; in which numbers its products run is said when it is laid out. Confined to one thread
 * while it is written; afterwards any thread may lay it out.
 */
public final class Graph {
  /** The most bytes of weights in the message of a graph, which is read as one of at most 2 GB. */
  public static final long MOST_MESSAGE_BYTES = Integer.MAX_VALUE - (1 << 20);

  private final String name;
  private final List<Node> nodes = new ArrayList<>();
  private final Constants constants = new Constants();
  private final Map<String, Value> inputs = new LinkedHashMap<>();
  private final List<Value> outputs = new ArrayList<>();
  private final Map<String, String> renamed = new HashMap<>();
  private final Map<String, Integer> between = new LinkedHashMap<>();
  private final Map<String, Integer> placed = new LinkedHashMap<>();
  private int fresh;
  private int longestSum;

  /** Starts a graph; the name is for errors and logs. */
  public Graph(String name) {
    this.name = name;
  }

  /** Returns the name, for errors and logs. */
  public String name() {
    return name;
  }

  /** Returns the names of the weights that this graph holds, or parts of them. */
  public List<String> weights() {
    return constants.weights();
  }

  /** Returns how many numbers the longest sum of a {@link #product} adds up; 0 without one. */
  public int longestSum() {
    return longestSum;
  }

  /** Returns the bytes of the weights that this graph holds, in fp32. */
  public long weightBytes() {
    return constants.weightBytes();
  }

  /** Returns the bytes of the weights that its message holds; large ones lie outside of it. */
  public long messageBytes() {
    return constants.messageBytes();
  }

  /** Returns whether ONNX Runtime takes that many bytes in one message. */
  public boolean fits() {
    return messageBytes() <= MOST_MESSAGE_BYTES;
  }

  /**
   * Returns the weights that are large enough to lie outside; none where other large numbers are
   * not stored as the graph needs them.
   */
  public List<String> large() {
    return constants.large();
  }

  /** Declares an input, unless it is declared; a negative extent is free. */
  public String input(String input, long... shape) {
    inputs.putIfAbsent(input, Value.numbers(input, shape));
    return input;
  }

  /** Declares an input of integers; a negative extent is free. */
  public String integerInput(String input, long... shape) {
    inputs.put(input, Value.integers(input, shape));
    return input;
  }

  /** Declares that the result of a node is an output of this name; a negative extent is free. */
  public void output(String output, String from, long... shape) {
    outputs.add(Value.numbers(output, shape));
    if (renamed.putIfAbsent(from, output) != null) {
      throw new AssertionError(from + " is already an output of " + name);
    }
  }

  /** Notes a result that stands between products: vectors of that length. */
  void between(String value, int length) {
    between.put(value, length);
  }

  /** Makes what stands between products outputs, too: a call may say where it is written. */
  void placeBetween() {
    between.forEach(
        (value, length) -> {
          String output = "between." + placed.size();
          output(output, value, -1, length);
          placed.put(output, length);
        });
  }

  /** Returns the lengths of what stands between products, by the names of their outputs. */
  public Map<String, Integer> placed() {
    return Collections.unmodifiableMap(placed);
  }

  /** Adds a parameter of the model as a constant and returns its name. */
  public String weight(String parameter, long... shape) {
    constants.weight(parameter, shape);
    return parameter;
  }

  /** Adds a part of a parameter of the model as a constant and returns its name. */
  String part(String parameter, MatrixRows part) {
    constants.part(parameter, part);
    return parameter;
  }

  /** Adds a list of integers as a constant and returns its name. */
  public String integers(long... values) {
    String constant = fresh("integers");
    constants.integers(constant, values);
    return constant;
  }

  /** Adds a number as a constant and returns its name. */
  public String number(float value) {
    String constant = fresh("number");
    constants.number(constant, value);
    return constant;
  }

  /**
   * Adds a node with one result and returns the name of that result.
   *
   * @param operator a standard one, or one of ONNX Runtime behind {@code "com.microsoft."}
   * @param from values of this graph; empty for an optional one that is not given
   */
  public String node(String operator, Map<String, Object> attributes, String... from) {
    return nodes(operator, 1, attributes, from).get(0);
  }

  /** Adds a node with several results and returns their names. */
  public List<String> nodes(
      String operator, int results, Map<String, Object> attributes, String... from) {
    List<String> to = new ArrayList<>();
    for (int i = 0; i < results; i++) {
      to.add(fresh(operator));
    }
    nodes.add(new Node(fresh("node"), operator, List.of(from), to, attributes));
    return to;
  }

  /**
   * Adds {@code value * weight^T (+ bias)}, in the numbers of the precision that the graph is laid
   * out in, and returns the name of the result.
   *
   * @param in the length of a row of the value
   * @param bias null for none
   */
  public String product(String value, int in, String weight, @Nullable String bias) {
    longestSum = Math.max(longestSum, in);
    return bias == null
        ? node(Node.PRODUCT, Map.of(), value, weight)
        : node(Node.PRODUCT, Map.of(), value, weight, bias);
  }

  /**
   * Adds matrices of one shape behind each other as a constant, in the numbers of products, and
   * returns its name.
   *
   * @param members matrices by the names of their parameters; of a member that has several, the
   *     rows take turns
   */
  String stack(String constant, List<List<String>> members, int rows, int columns) {
    constants.stack(constant, new Stack(members, rows, columns));
    return constant;
  }

  /** Adds the operator of all experts of a mixture, and returns the name of its result. */
  String experts(String x, String logits, String in, String out, Map<String, Object> attributes) {
    return node(Node.EXPERTS, attributes, x, logits, in, "", out);
  }

  /**
   * Adds what another graph computes, and returns its results by the names of its outputs.
   *
   * @param given values of this graph by the names of the other's inputs, for each of them
   */
  public Map<String, String> join(Graph other, Map<String, String> given) {
    if (!given.keySet().containsAll(other.inputs.keySet())) {
      throw new AssertionError(other.name + " reads more than " + given.keySet());
    }
    String within = fresh("part") + ".";
    UnaryOperator<String> as =
        value ->
            value.isEmpty() || other.constants.isParameter(value)
                ? value
                : given.getOrDefault(value, within + value);
    other.nodes.forEach(node -> nodes.add(node.in(within, as)));
    constants.join(other.constants, within);
    longestSum = Math.max(longestSum, other.longestSum);
    Map<String, String> results = new HashMap<>();
    other.renamed.forEach((value, output) -> results.put(output, as.apply(value)));
    return results;
  }

  /** Returns the complete model in fp32. */
  public ByteBuffer model(
      Weights from, IntFunction<ByteBuffer> room, @Nullable LargeWeights beside) {
    return model(from, Products.FP32, true, room, beside);
  }

  /**
   * Returns the complete model, its constants taken from the weights.
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
    return new CompleteGraph(name, nodes, constants, List.copyOf(inputs.values()), outputs, renamed)
        .model(from, products, wide, room, beside);
  }

  private String fresh(String prefix) {
    return prefix + "." + fresh++;
  }
}
