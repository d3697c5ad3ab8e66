package anabranch.onnx.format;

import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The numbers that products of one graph are computed in: which nodes stand for a product, and how
 * its weight is kept. These are fp32. Confined to one graph being written.
 */
class Numbers {
  private final List<Node> nodes = new ArrayList<>();
  private final Set<String> factors = new HashSet<>();

  /**
   * Starts a graph.
   *
   * @param wide whether those of 16 bits are computed in fp32 all the same, on rounded operands
   */
  static Numbers of(Products products, boolean wide) {
    return switch (products) {
      case FP32 -> new Numbers();
      case INT8 -> new EightBits();
      case FP16, BF16 -> new SixteenBits(products, wide);
    };
  }

  /** Adds what a node of the graph stands for. */
  final void add(Node node) {
    if (node.operator().equals(Node.PRODUCT)) {
      factors.add(node.from().get(1));
      product(node);
    } else if (node.operator().equals(Node.EXPERTS)) {
      experts(node);
    } else {
      as(node);
    }
  }

  /** Adds a node that stays as it is. */
  void as(Node node) {
    nodes.add(node);
  }

  /** Adds the nodes that stand for a product. */
  void product(Node product) {
    as(gemm(product.name(), product.from(), product.to().get(0)));
  }

  /** Adds the nodes that stand for all experts of a mixture. */
  void experts(Node experts) {
    as(experts);
  }

  static Node gemm(String name, List<String> from, String to) {
    return new Node(name, "Gemm", from, List.of(to), Map.of("transB", 1));
  }

  /** Returns the nodes so far, in order. */
  final List<Node> nodes() {
    return nodes;
  }

  /** Returns the constants that nodes share. */
  List<Message> constants() {
    return List.of();
  }

  /** Returns the constants of a weight. */
  final List<Message> weight(Tensor tensor, Store store) {
    return factors.contains(tensor.name()) ? factor(tensor, store) : List.of(store.whole(tensor));
  }

  /** Returns the constants of a weight of a product. */
  List<Message> factor(Tensor tensor, Store store) {
    return List.of(store.whole(tensor));
  }

  /** Returns the type of stacked matrices, as ONNX counts them. */
  long type() {
    return Constants.FLOAT;
  }

  /** Returns the bytes of a number of stacked matrices. */
  int bytes() {
    return Float.BYTES;
  }

  /** Writes numbers of a stacked matrix. */
  void write(Tensor tensor, ByteBuffer into) {
    Store.write(tensor, into);
  }
}
