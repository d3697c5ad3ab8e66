package anabranch.onnx.format;

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

/**
 * Products in 16-bit floating point between values in fp32: operands are rounded to the nearest
 * number, ties to even. Confined to one graph being written.
 */
final class SixteenBits extends Numbers {
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

  @Override
  void product(Node product) {
    String value = product.from().get(0);
    String weight = product.from().get(1);
    String to = product.to().get(0);
    String operand = rounded(value);
    if (wide) {
      as(cast(weight, weight + ".wide", (int) Constants.FLOAT));
      List<String> from = new ArrayList<>(List.of(operand, weight + ".wide"));
      from.addAll(product.from().subList(2, product.from().size()));
      as(gemm(to + ".node", from, to));
      return;
    }
    as(gemm(to + ".made.node", List.of(operand, weight), to + ".made"));
    boolean bias = product.from().size() > 2;
    as(cast(to + ".made", bias ? to + ".plain" : to, (int) Constants.FLOAT));
    if (bias) {
      List<String> from = List.of(to + ".plain", product.from().get(2));
      as(new Node(to + ".node", "Add", from, List.of(to), Map.of()));
    }
  }

  /** Returns a value as products read it, and adds the nodes that make it the first time. */
  private String rounded(String value) {
    String operand = value + (wide ? ".rounded" : ".short");
    if (rounded.add(value)) {
      as(cast(value, value + ".short", type));
      if (wide) {
        as(cast(value + ".short", operand, (int) Constants.FLOAT));
      }
    }
    return operand;
  }

  @Override
  void experts(Node experts) {
    List<String> from = new ArrayList<>();
    for (String value : experts.from()) {
      boolean weight = from.size() >= 2;
      if (!weight) {
        from.add(rounded(value));
      } else if (wide && !value.isEmpty()) {
        as(cast(value, value + ".wide", (int) Constants.FLOAT));
        from.add(value + ".wide");
      } else {
        from.add(value);
      }
    }
    String to = experts.to().get(0);
    String result = wide ? to : to + ".made";
    as(new Node(experts.name(), experts.operator(), from, List.of(result), experts.attributes()));
    if (!wide) {
      as(cast(result, to, (int) Constants.FLOAT));
    }
  }

  private static Node cast(String from, String to, int type) {
    return new Node(to + ".node", "Cast", List.of(from), List.of(to), Map.of("to", type));
  }

  @Override
  List<Message> factor(Tensor tensor, Store store) {
    return List.of(
        store.with(
            Constants.constant(tensor, type),
            Math.toIntExact(bytes() * tensor.elements()),
            () -> numbers(tensor, store),
            into -> write(tensor, into)));
  }

  /** Returns the numbers of a weight, in room where they are not stored so. */
  private ByteBuffer numbers(Tensor tensor, Store store) {
    if (tensor.type() == stored) {
      return tensor.bytes();
    }
    ByteBuffer numbers = store.room(Math.toIntExact(bytes() * tensor.elements()));
    write(tensor, numbers);
    return numbers.flip();
  }

  @Override
  long type() {
    return type;
  }

  @Override
  int bytes() {
    return Short.BYTES;
  }

  /**
   * Writes the numbers of a weight.
   *
   * @throws WeightsException if one is finite and too large for the type
   */
  @Override
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
