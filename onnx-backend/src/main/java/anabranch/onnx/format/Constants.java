package anabranch.onnx.format;

import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The constants of a graph being written: parameters of the model, whole, in part or behind each
 * other, and numbers of its own. Confined to one thread while they are added; afterwards any thread
 * may read them.
 */
public final class Constants {
  static final long FLOAT = 1;
  static final long INT64 = 7;

  private final Map<String, Long> weights = new LinkedHashMap<>();
  private final Map<String, MatrixRows> parts = new LinkedHashMap<>();
  private final Map<String, Stack> stacks = new LinkedHashMap<>();
  private final Map<String, long[]> integers = new LinkedHashMap<>();
  private final Map<String, Float> numbers = new LinkedHashMap<>();

  /** Starts without any. */
  public Constants() {}

  /** Adds a parameter of the model. */
  public void weight(String parameter, long... shape) {
    long elements = 1;
    for (long extent : shape) {
      elements *= extent;
    }
    weights.put(parameter, elements);
  }

  /** Adds a part of a parameter of the model. */
  public void part(String parameter, MatrixRows part) {
    parts.put(parameter, part);
  }

  /** Adds parameters of the model behind each other, in the numbers of products. */
  public void stack(String name, Stack stack) {
    stacks.put(name, stack);
  }

  /** Adds a list of integers. */
  public void integers(String name, long... values) {
    integers.put(name, values);
  }

  /** Adds a number. */
  public void number(String name, float value) {
    numbers.put(name, value);
  }

  /** Adds those of another graph: parameters of the model as they are, its own with a prefix. */
  public void join(Constants other, String within) {
    weights.putAll(other.weights);
    parts.putAll(other.parts);
    stacks.putAll(other.stacks);
    other.integers.forEach((name, values) -> integers.put(within + name, values));
    other.numbers.forEach((name, value) -> numbers.put(within + name, value));
  }

  /** Returns whether that is a parameter of the model, or made of some. */
  public boolean isParameter(String name) {
    return weights.containsKey(name) || parts.containsKey(name) || stacks.containsKey(name);
  }

  /** Returns the names of the parameters that are here, whole or in part. */
  public List<String> weights() {
    List<String> all = new ArrayList<>(weights.keySet());
    all.addAll(parts.keySet());
    return List.copyOf(all);
  }

  /** Returns the bytes of all parameters, in fp32. */
  public long weightBytes() {
    return 4
        * (weights.values().stream().mapToLong(elements -> elements).sum()
            + parts.values().stream().mapToLong(MatrixRows::elements).sum()
            + stacks.values().stream().mapToLong(Stack::elements).sum());
  }

  /**
   * Returns the bytes, in fp32, of the parameters that a graph's message holds whatever its numbers
   * are: all where large ones cannot lie outside.
   */
  public long messageBytes() {
    return LargeWeights.POSSIBLE
        ? 4
            * (inside(weights.values().stream())
                + parts.values().stream().mapToLong(MatrixRows::elements).sum()
                + inside(stacks.values().stream().map(Stack::elements)))
        : weightBytes();
  }

  /** Returns how many numbers cannot lie outside: a number has at least one byte. */
  private static long inside(Stream<Long> elements) {
    return elements.filter(each -> each < LargeWeights.LEAST).mapToLong(each -> each).sum();
  }

  /**
   * Returns the parameters that are large enough to lie outside; none where other large numbers are
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

  /** Returns all of them with their numbers. */
  List<Message> messages(Weights from, Numbers products, Store store) {
    List<Message> all = new ArrayList<>();
    weights.keySet().forEach(name -> all.addAll(products.weight(from.tensor(name), store)));
    parts.forEach((name, part) -> all.add(part(name, part, from)));
    stacks.forEach((name, stack) -> all.add(stack(name, stack, from, products, store)));
    integers.forEach(
        (name, values) -> {
          ByteBuffer raw = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
          raw.asLongBuffer().put(values);
          all.add(constant(name, INT64, values.length).bytes(9, raw));
        });
    numbers.forEach((name, value) -> all.add(constant(name, FLOAT).bytes(9, floats(value))));
    return all;
  }

  private static Message part(String name, MatrixRows part, Weights from) {
    int bytes = Math.toIntExact(4 * part.elements());
    return constant(name, FLOAT, part.shape())
        .bytes(9, bytes, into -> part.write(from.tensor(name), into));
  }

  private static Message stack(
      String name, Stack stack, Weights from, Numbers products, Store store) {
    int bytes = Math.toIntExact(products.bytes() * stack.elements());
    return store.with(
        constant(name, products.type(), stack.shape()),
        bytes,
        () -> {
          ByteBuffer all = store.room(bytes);
          stack.write(from, products, all);
          return all.flip();
        },
        into -> stack.write(from, products, into));
  }

  /** Returns a constant without its numbers. */
  static Message constant(String name, long type, long... shape) {
    Message tensor = new Message();
    for (long extent : shape) {
      tensor.number(1, extent);
    }
    return tensor.number(2, type).text(8, name);
  }

  /** Returns the constant of a weight without its numbers. */
  static Message constant(Tensor tensor, long type) {
    long[] shape = tensor.shape().stream().mapToLong(Integer::longValue).toArray();
    return constant(tensor.name(), type, shape);
  }

  static ByteBuffer floats(float... values) {
    ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(values);
    return raw;
  }
}
