package anabranch.onnx.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import anabranch.model.layer.Activation;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.route.Routers;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.Kernels;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.DType;
import anabranch.weights.Halves;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SixteenBitsTest {
  @Test
  void aWeightTooLargeForTheTypeIsRefusedByName() {
    Tensor large = MemoryWeights.tensor("w", List.of(1, 2), new float[] {65504, 65520});
    String refused =
        assertThrows(WeightsException.class, () -> product(Products.FP16, large, 1, 1))
            .getMessage();
    assertEquals("w has 65520.0, which is too large for F16", refused);
    assertEquals(2 * 65536, product(Products.BF16, large, 1, 1));
  }

  /** The weights are stored as they are, so only rows are rounded: 1 + 2^-12 loses its end. */
  @Test
  void bothOperandsAreRoundedAndTheSumIsNot() {
    float near = 1 + 0x1p-12f;
    Tensor exact = MemoryWeights.tensor("w", List.of(1, 2), new float[] {1, 0x1p-14f});
    assertEquals(1 + 0x1p-14f, product(Products.FP16, exact, near, 1));
    assertEquals(near + 0x1p-14f, product(Products.FP32, exact, near, 1));
    Tensor inexact = MemoryWeights.tensor("w", List.of(1, 2), new float[] {1 + 0x1p-9f, 0});
    assertEquals(1 + 0x1p-9f, product(Products.FP16, inexact, 1, 1));
    assertEquals(1, product(Products.BF16, inexact, 1, 1));
  }

  @Test
  void aLargeWeightGoesThroughAFileWhateverItsType() {
    int in = 1 << 19;
    float[] ones = new float[2 * in];
    for (int i = 0; i < 2 * in; i++) {
      ones[i] = 1 + 0x1p-9f;
    }
    Tensor wide = MemoryWeights.tensor("w", List.of(2, in), ones);
    ByteBuffer shorts = ByteBuffer.allocateDirect(4 * in).order(ByteOrder.LITTLE_ENDIAN);
    while (shorts.hasRemaining()) {
      shorts.putShort(Halves.toBf16(1));
    }
    Tensor stored = new Tensor("w", DType.BF16, List.of(2, in), shorts.flip());
    for (Tensor each : List.of(wide, stored)) {
      assertEquals(in, sum(each, in), each.type() + "");
    }
  }

  /** What a GPU is given. The CPU runs it in fp16, by casts of its own, and has no bf16. */
  @Test
  void productsForADeviceAreOfTheTypeItself() {
    Tensor weight = MemoryWeights.tensor("w", List.of(1, 2), new float[] {1, 0x1p-14f});
    Tensor bias = MemoryWeights.tensor("b", List.of(1), new float[] {0.25f});
    MemoryWeights weights = MemoryWeights.of(List.of(weight, bias));
    Graph graph = new Graph("product");
    String w = graph.weight("w", 1, 2);
    String y = graph.product(graph.input("x", -1, 2), 2, w, graph.weight("b", 1));
    graph.output("y", y, -1, 1);
    try (Session session = device(graph, weights, Products.FP16);
        Call call = session.call()) {
      FloatBuffer to = BufferPool.direct(1);
      call.in("x", BufferPool.direct(2).put(0, new float[] {2, 1}), 0, 1, 2)
          .out("y", to, 0, 1, 1)
          .run();
      assertEquals(2.25f, to.get(0), 1e-3f);
    }
    String refused =
        assertThrows(
                IllegalStateException.class, () -> device(graph, weights, Products.BF16).close())
            .getMessage();
    assertTrue(refused.contains("Could not find an implementation for Gemm"), refused);
  }

  @Test
  void fusedExpertsForADeviceAreOfTheTypeItself() {
    FeedForward expert = FeedForward.gated(3, Activation.SILU);
    Mixture mixture = new Mixture(2, expert, Routers.mixtral(1));
    Graph graph = MemberGraphs.fused(4, "m", mixture, Products.FP16, Kernels.CPU);
    List<Tensor> tensors = new ArrayList<>();
    for (String at : List.of("m.experts.0.", "m.experts.1.")) {
      float one = at.contains("0") ? 1 : 2;
      tensors.add(filled(at + "gate.weight", List.of(3, 4), one));
      tensors.add(filled(at + "up.weight", List.of(3, 4), 1));
      tensors.add(filled(at + "down.weight", List.of(4, 3), 1));
    }
    try (Session session = device(graph, MemoryWeights.of(tensors), Products.FP16);
        Call call = session.call()) {
      FloatBuffer logits = BufferPool.direct(2).put(0, new float[] {MemberGraphs.NEVER, 0});
      FloatBuffer to = BufferPool.direct(4);
      call.in("x", BufferPool.direct(4).put(0, new float[] {0.25f, 0.25f, 0, 0}), 0, 1, 4)
          .in("logits", logits, 0, 1, 2)
          .out("y", to, 0, 1, 4)
          .run();
      double silu = 1 / (1 + Math.exp(-1));
      assertEquals(3 * silu * 0.5, to.get(3), 2e-3);
    }
  }

  private static Tensor filled(String name, List<Integer> shape, float value) {
    float[] values = new float[shape.get(0) * shape.get(1)];
    Arrays.fill(values, value);
    return MemoryWeights.tensor(name, shape, values);
  }

  private static Session device(Graph graph, MemoryWeights weights, Products products) {
    ByteBuffer model = graph.model(weights, products, false, ByteBuffer::allocateDirect, null);
    return Session.open(NativeRuntime.get(1), graph.name(), model, Session.CPU, 1);
  }

  private static float sum(Tensor weight, int in) {
    Opener opener = opener(Products.BF16, weight);
    FloatBuffer x = BufferPool.direct(in);
    for (int i = 0; i < in; i++) {
      x.put(i, 1);
    }
    FloatBuffer y = BufferPool.direct(2);
    try (Session session = opener.open(graph(2, in));
        Call call = session.call()) {
      call.in("x", x, 0, 1, in).out("y", y, 0, 1, 2).run();
      return y.get(1);
    }
  }

  private static float product(Products products, Tensor weight, float... row) {
    FloatBuffer x = BufferPool.direct(row.length).put(0, row);
    FloatBuffer y = BufferPool.direct(1);
    try (Session session = opener(products, weight).open(graph(1, row.length));
        Call call = session.call()) {
      call.in("x", x, 0, 1, row.length).out("y", y, 0, 1, 1).run();
      return y.get(0);
    }
  }

  private static Opener opener(Products products, Tensor weight) {
    MemoryWeights weights = MemoryWeights.of(List.of(weight));
    return new Opener(weights, NativeRuntime.get(1), Session.CPU, 1, products);
  }

  private static Graph graph(int out, int in) {
    Graph graph = new Graph("product");
    String x = graph.input("x", -1, in);
    graph.output("y", graph.product(x, in, graph.weight("w", out, in), null), -1, out);
    return graph;
  }
}
