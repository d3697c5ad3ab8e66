package anabranch.benchmarks.stage;

import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A feed-forward network with a norm, ReLU and a residual, as the runtime computes it when nobody
 * has to find out anything: its products alone, in fp32 or in 8 bits, or all of it in 8 bits, where
 * the scale of each row is known beforehand. Rows come and go in fp32. Confined to one thread.
 */
final class BareNetwork implements AutoCloseable {
  private static final int UINT8 = 2;
  private static final int INT8 = 3;
  private static final int MOST_OF_ROW = 127;

  /** What fits where two products are added in 16 bits. */
  private static final int MOST_OF_WEIGHT = 64;

  private final List<Tensor> constants = new ArrayList<>();
  private final Graph graph = new Graph("bare network");
  private final Session session;
  private final Call call;
  private final FloatBuffer inner;
  private final FloatBuffer results;

  /** What a network of a path computes with. */
  record Parameters(Tensor norm, Tensor up, Tensor down, float epsilon) {
    static Parameters of(Weights weights, String path, double epsilon) {
      return new Parameters(
          weights.tensor(path + ".before.weight"),
          weights.tensor(path + ".up.weight"),
          weights.tensor(path + ".down.weight"),
          (float) epsilon);
    }

    int width() {
      return down.shape().get(0);
    }

    int inner() {
      return up.shape().get(0);
    }
  }

  /** The rows that stand before each product; of the network alone it takes {@code x}. */
  record Rows(float[] x, float[] normed, float[] hidden) {
    /** Returns the rows that follow from {@code x}. */
    static Rows of(Parameters of, float[] x) {
      int width = of.width();
      float[] scale = numbers(of.norm);
      float[] normed = new float[x.length];
      for (int row = 0; row < x.length; row += width) {
        double square = 0;
        for (int c = 0; c < width; c++) {
          square += (double) x[row + c] * x[row + c];
        }
        double factor = 1 / Math.sqrt(square / width + of.epsilon);
        for (int c = 0; c < width; c++) {
          normed[row + c] = (float) (x[row + c] * factor * scale[c]);
        }
      }
      float[] hidden = new float[x.length / width * of.inner()];
      try (BareNetwork first = products(of, new Rows(x, normed, hidden), false)) {
        first.run();
        first.inner.get(0, hidden);
      }
      for (int i = 0; i < hidden.length; i++) {
        hidden[i] = Math.max(0, hidden[i]);
      }
      return new Rows(x, normed, hidden);
    }
  }

  private BareNetwork(Parameters of, Rows rows, boolean alone, boolean bits) {
    int width = of.width();
    int wide = of.inner();
    int count = rows.x.length / width;
    inner = BufferPool.direct((long) count * wide);
    results = BufferPool.direct((long) count * width);
    String x = graph.input("x", -1, width);
    String normed = x;
    if (!alone) {
      constants.add(of.norm);
      Map<String, Object> root = Map.of("axis", -1, "epsilon", of.epsilon, "stash_type", 1);
      String scale = graph.weight(of.norm.name(), width);
      normed = graph.node("SimplifiedLayerNormalization", root, x, scale);
    }
    String up = bits ? product(normed, of.up, rows.normed) : product(normed, of.up);
    String hidden = alone ? graph.input("hidden", -1, wide) : graph.node("Relu", Map.of(), up);
    String down = bits ? product(hidden, of.down, rows.hidden) : product(hidden, of.down);
    graph.output("results", alone ? down : graph.node("Add", Map.of(), x, down), -1, width);
    if (alone) {
      graph.output("inner", up, -1, wide);
    }
    session =
        new Opener(MemoryWeights.of(constants), NativeRuntime.get(1), Session.CPU, 1).open(graph);
    call = session.call();
    call.in("x", direct(alone ? rows.normed : rows.x), 0, count, width)
        .out("results", results, 0, count, width);
    if (alone) {
      call.in("hidden", direct(rows.hidden), 0, count, wide).out("inner", inner, 0, count, wide);
    }
  }

  /** Opens the two products alone. */
  static BareNetwork products(Parameters of, Rows rows, boolean bits) {
    return new BareNetwork(of, rows, true, bits);
  }

  /** Opens the whole network in 8 bits; by what rows are divided is a constant of all of them. */
  static BareNetwork known(Parameters of, Rows rows) {
    return new BareNetwork(of, rows, false, true);
  }

  private String product(String value, Tensor weight) {
    constants.add(weight);
    int out = weight.shape().get(0);
    int in = weight.shape().get(1);
    return graph.node("Gemm", Map.of("transB", 1), value, graph.weight(weight.name(), out, in));
  }

  /** Adds a product of 8 bits. Nodes of constants alone are folded when the graph is loaded. */
  private String product(String value, Tensor weight, float[] rows) {
    int out = weight.shape().get(0);
    int in = weight.shape().get(1);
    float[] from = numbers(weight);
    float[] whole = new float[from.length];
    float[] worth = scales(from, in, MOST_OF_WEIGHT);
    for (int i = 0; i < from.length; i++) {
      whole[i % in * out + i / in] = (float) Math.rint(from[i] / worth[i / in]);
    }
    float[] scales = scales(rows, in, MOST_OF_ROW);
    float[] zeros = new float[scales.length];
    Arrays.fill(zeros, MOST_OF_ROW + 1);
    String name = weight.name();
    String list = constant(name + ".rows", scales, scales.length);
    String bytes =
        graph.node(
            "QuantizeLinear",
            Map.of("axis", 0),
            value,
            list,
            cast(constant(name + ".zeros", zeros, zeros.length), UINT8));
    return graph.node(
        "com.microsoft.MatMulIntegerToFloat",
        Map.of(),
        bytes,
        cast(constant(name, whole, in, out), INT8),
        constant(name + ".row", scales, scales.length, 1),
        constant(name + ".columns", worth, out),
        cast(graph.number(MOST_OF_ROW + 1), UINT8));
  }

  private String constant(String name, float[] numbers, int... shape) {
    List<Integer> extents = Arrays.stream(shape).boxed().toList();
    constants.add(MemoryWeights.tensor(name, extents, numbers));
    return graph.weight(name, Arrays.stream(shape).asLongStream().toArray());
  }

  private String cast(String numbers, int type) {
    return graph.node("Cast", Map.of("to", type), numbers);
  }

  /** Returns what one step of each row of a matrix is worth where so many make its greatest. */
  private static float[] scales(float[] matrix, int width, int steps) {
    float[] scales = new float[matrix.length / width];
    for (int i = 0; i < matrix.length; i++) {
      scales[i / width] = Math.max(scales[i / width], Math.abs(matrix[i]) / steps);
    }
    return scales;
  }

  private static float[] numbers(Tensor tensor) {
    float[] numbers = new float[Math.toIntExact(tensor.elements())];
    tensor.copyTo(FloatBuffer.wrap(numbers));
    return numbers;
  }

  private static FloatBuffer direct(float[] numbers) {
    return BufferPool.direct(numbers.length).put(0, numbers);
  }

  void run() {
    call.run();
  }

  /** Returns what the second product, or the network, made of each row. */
  float[] results() {
    float[] copy = new float[results.capacity()];
    results.get(0, copy);
    return copy;
  }

  @Override
  public void close() {
    call.close();
    session.close();
  }
}
