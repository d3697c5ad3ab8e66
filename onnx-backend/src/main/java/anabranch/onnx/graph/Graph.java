package anabranch.onnx.graph;

import anabranch.weights.DType;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One ONNX graph being written: fp32 inputs and outputs by name, weights as constants, nodes in
 * order; in which numbers its products run is said when it is laid out. Field numbers are those of
 * the public {@code onnx.proto}. Confined to one thread while it is written; afterwards any thread
 * may lay it out.
 */
public final class Graph {
  /** The most bytes of weights of one graph, which is read as one message of at most 2 GB. */
  public static final long MOST_WEIGHT_BYTES = Integer.MAX_VALUE - (1 << 20);

  private static final long IR_VERSION = 10;
  private static final long OPSET = 23;
  static final long FLOAT = 1;
  static final long INT64 = 7;
  private static final String OWN_DOMAIN = "com.microsoft";
  private static final String OWN = OWN_DOMAIN + ".";
  private static final String PRODUCT = "product";
  private static final String EXPERTS = OWN + "MoE";

  private final String name;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Long> weights = new LinkedHashMap<>();
  private final Map<String, Part> parts = new LinkedHashMap<>();
  private final Map<String, Stack> stacks = new LinkedHashMap<>();
  private final Map<String, long[]> integers = new LinkedHashMap<>();
  private final Map<String, Float> numbers = new LinkedHashMap<>();
  private final Map<String, Message> inputs = new LinkedHashMap<>();
  private final List<Message> outputs = new ArrayList<>();
  private final Map<String, String> renamed = new HashMap<>();
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
    List<String> all = new ArrayList<>(weights.keySet());
    all.addAll(parts.keySet());
    return List.copyOf(all);
  }

  /** Returns how many numbers the longest sum of a {@link #product} adds up; 0 without one. */
  public int longestSum() {
    return longestSum;
  }

  /** Returns the bytes of the weights that this graph holds, in fp32. */
  public long weightBytes() {
    return 4
        * (weights.values().stream().mapToLong(elements -> elements).sum()
            + parts.values().stream().mapToLong(Part::elements).sum()
            + stacks.values().stream().mapToLong(Stack::elements).sum());
  }

  /** Returns whether ONNX Runtime takes that many bytes in one graph. */
  public boolean fits() {
    return weightBytes() <= MOST_WEIGHT_BYTES;
  }

  /**
   * Returns the weights that are large enough to lie outside; none where other large numbers are
   * not stored as the graph needs them.
   */
  public List<String> large() {
    if (stacks.values().stream().anyMatch(stack -> isLarge(stack.elements()))) {
      return List.of();
    }
    return weights.entrySet().stream()
        .filter(weight -> isLarge(weight.getValue()))
        .map(Map.Entry::getKey)
        .toList();
  }

  private static boolean isLarge(long elements) {
    return 4 * elements >= LargeWeights.LEAST;
  }

  /**
   * Some rows of each of several matrices that lie behind each other.
   *
   * @param matrices how many there are
   * @param each how many rows each has
   * @param from the first of the rows
   * @param count how many they are
   * @param columns length of a row
   * @param transposed whether the result is matrices x columns x count; else matrices x count x
   *     columns
   */
  record Part(int matrices, int each, int from, int count, int columns, boolean transposed) {
    long elements() {
      return (long) matrices * count * columns;
    }

    private void write(Tensor tensor, ByteBuffer into) {
      FloatBuffer all = numbers(tensor);
      int start = into.position();
      FloatBuffer to = into.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      for (int matrix = 0; matrix < matrices; matrix++) {
        int first = (matrix * each + from) * columns;
        int at = matrix * count * columns;
        for (int i = 0; i < count * columns; i++) {
          int row = i / columns;
          int column = i % columns;
          to.put(at + (transposed ? column * count + row : i), all.get(first + i));
        }
      }
      into.position(start + Math.toIntExact(4 * elements()));
    }

    private static FloatBuffer numbers(Tensor tensor) {
      if (tensor.type() == DType.F32) {
        return tensor.bytes().asFloatBuffer();
      }
      FloatBuffer wide = FloatBuffer.allocate(Math.toIntExact(tensor.elements()));
      tensor.copyTo(wide);
      return wide.flip();
    }
  }

  /**
   * Matrices of one shape behind each other. Immutable.
   *
   * @param members matrices by the names of their parameters; of a member that has several, the
   *     rows take turns
   * @param rows of each matrix
   * @param columns of each matrix
   */
  private record Stack(List<List<String>> members, int rows, int columns) {
    /** Copies the lists. */
    Stack {
      members = members.stream().map(List::copyOf).toList();
    }

    long[] shape() {
      return new long[] {members.size(), (long) members.get(0).size() * rows, columns};
    }

    long elements() {
      long[] shape = shape();
      return shape[0] * shape[1] * shape[2];
    }

    /** Writes the numbers, of 16 bits or, without them, in fp32. */
    void write(Weights from, @Nullable SixteenBits bits, ByteBuffer into) {
      int row = columns * (bits == null ? Float.BYTES : Short.BYTES);
      for (List<String> member : members) {
        List<ByteBuffer> each = new ArrayList<>();
        for (String name : member) {
          ByteBuffer numbers = ByteBuffer.allocate(rows * row).order(ByteOrder.LITTLE_ENDIAN);
          Tensor tensor = from.tensor(name);
          if (bits == null) {
            Graph.write(tensor, numbers);
          } else {
            bits.write(tensor, numbers);
          }
          each.add(numbers.flip());
        }
        for (int i = 0; i < rows; i++) {
          for (ByteBuffer numbers : each) {
            into.put(numbers.slice(i * row, row));
          }
        }
      }
    }
  }

  /** Declares an input, unless it is declared; a negative extent is free. */
  public String input(String input, long... shape) {
    inputs.putIfAbsent(input, valueInfo(input, FLOAT, shape));
    return input;
  }

  /** Declares an input of integers; a negative extent is free. */
  public String integerInput(String input, long... shape) {
    inputs.put(input, valueInfo(input, INT64, shape));
    return input;
  }

  /** Declares that the result of a node is an output of this name; a negative extent is free. */
  public void output(String output, String from, long... shape) {
    outputs.add(valueInfo(output, FLOAT, shape));
    if (renamed.putIfAbsent(from, output) != null) {
      throw new AssertionError(from + " is already an output of " + name);
    }
  }

  /** Adds a parameter of the model as a constant and returns its name. */
  public String weight(String parameter, long... shape) {
    long elements = 1;
    for (long extent : shape) {
      elements *= extent;
    }
    weights.put(parameter, elements);
    return parameter;
  }

  /** Adds a part of a parameter of the model as a constant and returns its name. */
  String part(String parameter, Part part) {
    parts.put(parameter, part);
    return parameter;
  }

  /** Adds a list of integers as a constant and returns its name. */
  public String integers(long... values) {
    String constant = fresh("integers");
    integers.put(constant, values);
    return constant;
  }

  /** Adds a number as a constant and returns its name. */
  public String number(float value) {
    String constant = fresh("number");
    numbers.put(constant, value);
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
        ? node(PRODUCT, Map.of(), value, weight)
        : node(PRODUCT, Map.of(), value, weight, bias);
  }

  /**
   * Adds matrices of one shape behind each other as a constant, in the numbers of products, and
   * returns its name.
   *
   * @param members matrices by the names of their parameters; of a member that has several, the
   *     rows take turns
   */
  String stack(String constant, List<List<String>> members, int rows, int columns) {
    stacks.put(constant, new Stack(members, rows, columns));
    return constant;
  }

  /** Adds the operator of all experts of a mixture, and returns the name of its result. */
  String experts(String x, String logits, String in, String out, Map<String, Object> attributes) {
    return node(EXPERTS, attributes, x, logits, in, "", out);
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
            value.isEmpty() || other.isParameter(value)
                ? value
                : given.getOrDefault(value, within + value);
    for (Node node : other.nodes) {
      List<String> from = node.from.stream().map(as).toList();
      List<String> to = node.to.stream().map(as).toList();
      nodes.add(new Node(within + node.name, node.operator, from, to, node.attributes));
    }
    weights.putAll(other.weights);
    parts.putAll(other.parts);
    stacks.putAll(other.stacks);
    other.integers.forEach((constant, values) -> integers.put(within + constant, values));
    other.numbers.forEach((constant, value) -> numbers.put(within + constant, value));
    longestSum = Math.max(longestSum, other.longestSum);
    Map<String, String> results = new HashMap<>();
    other.renamed.forEach((value, output) -> results.put(output, as.apply(value)));
    return results;
  }

  private boolean isParameter(String value) {
    return weights.containsKey(value) || parts.containsKey(value) || stacks.containsKey(value);
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
    Message graph = new Message();
    Set<String> small = new HashSet<>();
    EightBits bits = new EightBits();
    SixteenBits shorter =
        products == Products.FP16 || products == Products.BF16
            ? new SixteenBits(products, wide)
            : null;
    for (Node node : nodes) {
      if (shorter != null && node.operator.equals(EXPERTS)) {
        shorter.experts(node).forEach(bits::as);
      } else if (!node.operator.equals(PRODUCT)) {
        bits.as(node);
      } else if (products == Products.INT8) {
        bits.product(node);
        small.add(node.from.get(1));
      } else if (shorter != null) {
        shorter.product(node).forEach(bits::as);
        small.add(node.from.get(1));
      } else {
        bits.as(new Node(node.name, "Gemm", node.from, node.to, Map.of("transB", 1)));
      }
    }
    bits.nodes().forEach(node -> graph.message(1, message(node)));
    bits.constants().forEach(constant -> graph.message(5, constant));
    graph.text(2, name);
    for (String parameter : weights.keySet()) {
      Tensor tensor = from.tensor(parameter);
      if (!small.contains(parameter)) {
        graph.message(5, whole(tensor, room, beside));
      } else if (shorter != null) {
        Message constant = shorter.constant(tensor);
        int bytes = Math.toIntExact(2 * tensor.elements());
        store(
            constant,
            bytes,
            beside,
            () -> shorter.numbers(tensor, room),
            into -> shorter.write(tensor, into));
        graph.message(5, constant);
      } else {
        EightBits.Weight weight = EightBits.weight(tensor);
        int bytes = weight.bytes().remaining();
        store(
            weight.numbers(),
            bytes,
            beside,
            weight::bytes,
            into -> into.put(weight.bytes().duplicate()));
        graph.message(5, weight.numbers()).message(5, weight.scales());
      }
    }
    parts.forEach(
        (parameter, part) -> {
          long[] shape = {
            part.matrices,
            part.transposed ? part.columns : part.count,
            part.transposed ? part.count : part.columns
          };
          int bytes = Math.toIntExact(4 * part.elements());
          Message constant = constant(parameter, FLOAT, shape);
          graph.message(
              5, constant.bytes(9, bytes, into -> part.write(from.tensor(parameter), into)));
        });
    stacks.forEach(
        (constant, stack) -> {
          int size = shorter == null ? Float.BYTES : Short.BYTES;
          int bytes = Math.toIntExact(size * stack.elements());
          Message tensor =
              constant(constant, shorter == null ? FLOAT : shorter.type(), stack.shape());
          store(
              tensor,
              bytes,
              beside,
              () -> {
                ByteBuffer all = room.apply(bytes).order(ByteOrder.LITTLE_ENDIAN).clear();
                stack.write(from, shorter, all);
                return all.flip();
              },
              into -> stack.write(from, shorter, into));
          graph.message(5, tensor);
        });
    integers.forEach(
        (constant, values) -> {
          ByteBuffer raw = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
          raw.asLongBuffer().put(values);
          graph.message(5, constant(constant, INT64, new long[] {values.length}).bytes(9, raw));
        });
    numbers.forEach(
        (constant, value) -> {
          ByteBuffer raw = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
          raw.asFloatBuffer().put(value);
          graph.message(5, constant(constant, FLOAT, new long[0]).bytes(9, raw));
        });
    inputs.values().forEach(input -> graph.message(11, input));
    outputs.forEach(output -> graph.message(12, output));
    Message model =
        new Message()
            .number(1, IR_VERSION)
            .text(2, "anabranch")
            .message(7, graph)
            .message(8, new Message().text(1, "").number(2, OPSET));
    if (bits.nodes().stream().anyMatch(node -> node.operator.startsWith(OWN))) {
      model.message(8, new Message().text(1, OWN_DOMAIN).number(2, 1L));
    }
    return model.layOut("graph \"" + name + "\"", room);
  }

  /** Returns a weight in fp32. */
  private static Message whole(
      Tensor tensor, IntFunction<ByteBuffer> room, @Nullable LargeWeights beside) {
    long[] shape = tensor.shape().stream().mapToLong(Integer::longValue).toArray();
    int bytes = Math.toIntExact(4 * tensor.elements());
    Message constant = constant(tensor.name(), FLOAT, shape);
    boolean outside =
        beside != null && bytes >= LargeWeights.LEAST && beside.add(tensor, room, constant);
    return outside ? constant : constant.bytes(9, bytes, into -> write(tensor, into));
  }

  /** Puts numbers outside where they are many and can be, and else into their constant. */
  private static void store(
      Message constant,
      int bytes,
      @Nullable LargeWeights beside,
      Supplier<ByteBuffer> numbers,
      Consumer<ByteBuffer> writer) {
    boolean outside =
        beside != null && bytes >= LargeWeights.LEAST && beside.add(numbers.get(), constant);
    if (!outside) {
      constant.bytes(9, bytes, writer);
    }
  }

  private String fresh(String prefix) {
    return prefix + "." + fresh++;
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

  static Message constant(String name, long type, long... shape) {
    Message tensor = new Message();
    for (long extent : shape) {
      tensor.number(1, extent);
    }
    return tensor.number(2, type).text(8, name);
  }

  private static Message valueInfo(String name, long type, long[] shape) {
    Message dimensions = new Message();
    for (int i = 0; i < shape.length; i++) {
      Message dimension = new Message();
      dimensions.message(
          1, shape[i] < 0 ? dimension.text(2, name + "." + i) : dimension.number(1, shape[i]));
    }
    Message tensor = new Message().number(1, type).message(2, dimensions);
    return new Message().text(1, name).message(2, new Message().message(1, tensor));
  }

  /** Writes the numbers of a tensor as fp32, without a copy of them all beside it. */
  static void write(Tensor tensor, ByteBuffer into) {
    if (tensor.type() == DType.F32) {
      into.put(tensor.bytes());
      return;
    }
    int start = into.position();
    tensor.copyTo(into.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer());
    into.position(start + Math.toIntExact(4 * tensor.elements()));
  }

  /** A node: an operator, values and attributes by name. */
  record Node(
      String name,
      String operator,
      List<String> from,
      List<String> to,
      Map<String, Object> attributes) {}
}
