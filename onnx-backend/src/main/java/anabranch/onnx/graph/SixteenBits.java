package anabranch.onnx.graph;

import anabranch.error.WeightsException;
import anabranch.weights.DType;
import anabranch.weights.Halves;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * Products in 16-bit floating point between values in fp32: operands are rounded to the nearest
 * number, ties to even. Confined to one graph being written.
 */
final class SixteenBits {
  private static final int HALF = 10;
  private static final int BRAIN = 16;

  private final DType stored;
  private final int type;
  private final boolean wide;
  private final Set<String> rounded = new HashSet<>();

  /**
   * Starts a graph.
   *
   * @param wide whether products are computed in fp32 on rounded operands: where there is no kernel
   *     for the type itself
   */
  SixteenBits(Products products, boolean wide) {
    this.stored = products == Products.FP16 ? DType.F16 : DType.BF16;
    this.type = stored == DType.F16 ? HALF : BRAIN;
    this.wide = wide;
  }

  /** Returns the nodes that stand for a product, in order. */
  List<Graph.Node> product(Graph.Node product) {
    List<Graph.Node> nodes = new ArrayList<>();
    String value = product.from().get(0);
    String weight = product.from().get(1);
    String to = product.to().get(0);
    String operand = rounded(value, nodes);
    if (wide) {
      nodes.add(cast(weight, weight + ".wide", (int) Graph.FLOAT));
      List<String> from = new ArrayList<>(List.of(operand, weight + ".wide"));
      from.addAll(product.from().subList(2, product.from().size()));
      nodes.add(gemm(from, to));
      return nodes;
    }
    nodes.add(gemm(List.of(operand, weight), to + ".short"));
    boolean bias = product.from().size() > 2;
    nodes.add(cast(to + ".short", bias ? to + ".plain" : to, (int) Graph.FLOAT));
    if (bias) {
      List<String> from = List.of(to + ".plain", product.from().get(2));
      nodes.add(new Graph.Node(to + ".node", "Add", from, List.of(to), Map.of()));
    }
    return nodes;
  }

  /** Returns a value as products read it, and adds the nodes that make it the first time. */
  private String rounded(String value, List<Graph.Node> nodes) {
    String operand = value + (wide ? ".rounded" : ".short");
    if (rounded.add(value)) {
      nodes.add(cast(value, value + ".short", type));
      if (wide) {
        nodes.add(cast(value + ".short", operand, (int) Graph.FLOAT));
      }
    }
    return operand;
  }

  /** Returns the nodes that stand for all experts of a mixture, in order. */
  List<Graph.Node> experts(Graph.Node experts) {
    List<Graph.Node> nodes = new ArrayList<>();
    List<String> from = new ArrayList<>();
    for (String value : experts.from()) {
      boolean weight = from.size() >= 2;
      if (!weight) {
        from.add(rounded(value, nodes));
      } else if (wide && !value.isEmpty()) {
        nodes.add(cast(value, value + ".wide", (int) Graph.FLOAT));
        from.add(value + ".wide");
      } else {
        from.add(value);
      }
    }
    String to = experts.to().get(0);
    String result = wide ? to : to + ".short";
    nodes.add(
        new Graph.Node(
            experts.name(), experts.operator(), from, List.of(result), experts.attributes()));
    if (!wide) {
      nodes.add(cast(result, to, (int) Graph.FLOAT));
    }
    return nodes;
  }

  /** Returns the number type as ONNX counts them. */
  long type() {
    return type;
  }

  private static Graph.Node gemm(List<String> from, String to) {
    return new Graph.Node(to + ".node", "Gemm", from, List.of(to), Map.of("transB", 1));
  }

  private static Graph.Node cast(String from, String to, int type) {
    return new Graph.Node(to + ".node", "Cast", List.of(from), List.of(to), Map.of("to", type));
  }

  /** Returns the constant of a weight, without its numbers. */
  Message constant(Tensor tensor) {
    long[] shape = tensor.shape().stream().mapToLong(Integer::longValue).toArray();
    return Graph.constant(tensor.name(), type, shape);
  }

  /** Returns the numbers of a weight, in room where they are not stored so. */
  ByteBuffer numbers(Tensor tensor, IntFunction<ByteBuffer> room) {
    if (tensor.type() == stored) {
      return tensor.bytes();
    }
    ByteBuffer numbers = room.apply(Math.toIntExact(2 * tensor.elements()));
    write(tensor, numbers.order(ByteOrder.LITTLE_ENDIAN).clear());
    return numbers.flip();
  }

  /**
   * Writes the numbers of a weight.
   *
   * @throws WeightsException if one is finite and too large for the type
   */
  void write(Tensor tensor, ByteBuffer into) {
    if (tensor.type() == stored) {
      into.put(tensor.bytes());
      return;
    }
    FloatBuffer numbers = FloatBuffer.allocate(Math.toIntExact(tensor.elements()));
    tensor.copyTo(numbers);
    ByteOrder before = into.order();
    into.order(ByteOrder.LITTLE_ENDIAN);
    for (float number : numbers.array()) {
      short bits = type == HALF ? Halves.toF16(number) : Halves.toBf16(number);
      if (Float.isFinite(number) && infinite(bits)) {
        throw new WeightsException(
            tensor.name() + " has " + number + ", which is too large for " + stored);
      }
      into.putShort(bits);
    }
    into.order(before);
  }

  private boolean infinite(short bits) {
    int exponent = type == HALF ? 0x7c00 : 0x7f80;
    return (bits & 0x7fff) == exponent;
  }
}
