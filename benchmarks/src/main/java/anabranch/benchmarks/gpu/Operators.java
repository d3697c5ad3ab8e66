package anabranch.benchmarks.gpu;

import anabranch.model.layer.Activation;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.route.Routers;
import anabranch.onnx.format.Products;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.onnx.session.Target;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Which operators of the graphs that models become a device runs itself: each alone in a graph, in
 * the number types in which models have it. Confined to one thread.
 */
final class Operators {
  private static final int ROWS = 4;
  private static final int WIDTH = 16;
  private static final int EXPERTS = 4;
  private static final int DOUBLE = 11;
  private static final Map<String, Object> LAST = Map.of("axis", -1);
  private static final int MOST_SAID = 200;

  private final Target target;
  private final Weights weights = weights();
  private final Map<String, String> seen = new LinkedHashMap<>();

  /** One of them: from a value to a value, both rows x width. */
  private interface Written {
    String write(Graph graph, String x);
  }

  private Operators(Target target) {
    this.target = target;
  }

  /** Returns, for each operator and number type, "runs", or why it does not. */
  static Map<String, String> survey(Target target) {
    Operators all = new Operators(target);
    try (Weights held = all.weights) {
      all.inFp32();
      all.ofSeveralTypes("fp32", 1);
      all.ofSeveralTypes("fp64", DOUBLE);
      all.as("Cast", "fp64", DOUBLE, (g, x) -> x, ROWS);
      all.products();
      return all.seen;
    }
  }

  private void inFp32() {
    for (String each : List.of("Relu", "Sigmoid", "Tanh", "Log")) {
      one(each, "fp32", (g, x) -> g.node(each, Map.of(), x));
    }
    one("Gelu", "fp32", (g, x) -> g.node("Gelu", Map.of("approximate", "tanh"), x));
    one("Clip", "fp32", (g, x) -> g.node("Clip", Map.of(), x, g.number(-1), g.number(1)));
    for (String each : List.of("Min", "Max", "Sub")) {
      one(each, "fp32", (g, x) -> g.node(each, Map.of(), x, g.number(1)));
    }
    one("MatMul", "fp32", (g, x) -> g.node("MatMul", Map.of(), x, g.weight("w", WIDTH, WIDTH)));
    one("Concat", "fp32", (g, x) -> g.node("Concat", Map.of("axis", 0), x, x), 2 * ROWS);
    one(
        "Split",
        "fp32",
        (g, x) -> g.nodes("Split", 2, Map.of("axis", -1, "num_outputs", 2), x).get(1),
        ROWS / 2);
    one(
        "Slice",
        "fp32",
        (g, x) -> g.node("Slice", Map.of(), x, g.integers(1), g.integers(3), g.integers(0)),
        2);
    one("Pad", "fp32", (g, x) -> g.node("Pad", Map.of(), x, g.integers(0, 0, 1, 0)), ROWS + 1);
    one("Transpose", "fp32", (g, x) -> g.node("Transpose", Map.of("perm", new long[] {1, 0}), x));
    one("Unsqueeze", "fp32", (g, x) -> g.node("Unsqueeze", Map.of(), x, g.integers(0)));
    one(
        "Shape, Expand",
        "fp32",
        (g, x) -> g.node("Expand", Map.of(), g.number(1), g.node("Shape", Map.of(), x)));
    one(
        "TopK, ScatterElements",
        "fp32",
        (g, x) -> {
          List<String> best = g.nodes("TopK", 2, LAST, x, g.integers(2));
          Map<String, Object> axis = Map.of("axis", 1);
          return g.node("ScatterElements", axis, x, best.get(1), best.get(0));
        });
    one(
        "ReduceSum of three axes",
        "fp32",
        (g, x) -> {
          String apart = g.node("Reshape", Map.of(), x, g.integers(2, 2, 1, WIDTH));
          return g.node("ReduceSum", Map.of("keepdims", 0), apart, g.integers(0, 1, 2));
        },
        1);
    one(
        "LayerNormalization",
        "fp32",
        (g, x) ->
            g.node(
                "LayerNormalization",
                Map.of("axis", -1, "epsilon", 1e-5f),
                x,
                g.weight("scale", WIDTH),
                g.weight("bias", WIDTH)));
    one(
        "SimplifiedLayerNormalization",
        "fp32",
        (g, x) ->
            g.node(
                "SimplifiedLayerNormalization",
                Map.of("axis", -1, "epsilon", 1e-5f, "stash_type", 1),
                x,
                g.weight("scale", WIDTH)));
    one("RotaryEmbedding", "fp32", Operators::rotary);
    for (boolean masked : new boolean[] {false, true}) {
      one(masked ? "Attention, masked" : "Attention", "fp32", (g, x) -> attention(g, x, masked));
    }
  }

  private static String rotary(Graph graph, String x) {
    String batched = graph.node("Unsqueeze", Map.of(), x, graph.integers(0));
    String angles = graph.weight("angles", 1, ROWS, WIDTH / 4);
    Map<String, Object> heads = Map.of("num_heads", 2, "interleaved", 0, "rotary_embedding_dim", 0);
    return graph.node("RotaryEmbedding", heads, batched, angles, angles);
  }

  private static String attention(Graph graph, String x, boolean masked) {
    String batched = graph.node("Unsqueeze", Map.of(), x, graph.integers(0));
    Map<String, Object> heads = Map.of("q_num_heads", 2, "kv_num_heads", 2, "scale", 0.5f);
    return masked
        ? graph.node(
            "Attention", heads, batched, batched, batched, graph.weight("mask", ROWS, ROWS))
        : graph.node("Attention", heads, batched, batched, batched);
  }

  private void ofSeveralTypes(String type, int number) {
    for (String each : List.of("Add", "Mul", "Div")) {
      as(each, type, number, (g, x) -> g.node(each, Map.of(), x, x), ROWS);
    }
    for (String each : List.of("Exp", "Neg")) {
      as(each, type, number, (g, x) -> g.node(each, Map.of(), x), ROWS);
    }
    as("Softmax", type, number, (g, x) -> g.node("Softmax", LAST, x), ROWS);
    as("Reshape", type, number, (g, x) -> g.node("Reshape", Map.of(), x, g.integers(-1, 8)), ROWS);
    as(
        "ReduceSum of the last axis",
        type,
        number,
        (g, x) -> {
          String sum = g.node("ReduceSum", Map.of("keepdims", 1), x, g.integers(-1));
          return g.node("Sub", Map.of(), x, sum);
        },
        ROWS);
    as("TopK", type, number, (g, x) -> g.nodes("TopK", 2, LAST, x, g.integers(WIDTH)).get(0), ROWS);
    as(
        "TopK, GatherElements",
        type,
        number,
        (g, x) -> {
          String best = g.nodes("TopK", 2, LAST, x, g.integers(WIDTH)).get(1);
          return g.node("GatherElements", Map.of("axis", 1), x, best);
        },
        ROWS);
    as(
        "Greater, Where",
        type,
        number,
        (g, x) -> {
          String none = g.node("Cast", Map.of("to", number), g.number(0));
          return g.node("Where", Map.of(), g.node("Greater", Map.of(), x, none), x, none);
        },
        ROWS);
  }

  /** What is of 16 bits on a device. */
  private void products() {
    Mixture mixture =
        new Mixture(EXPERTS, FeedForward.gated(WIDTH, Activation.SILU), Routers.mixtral(2));
    for (Products products : List.of(Products.FP32, Products.FP16, Products.BF16)) {
      String type = products.name().toLowerCase(Locale.ROOT);
      Graph gemm = new Graph("Gemm");
      String x = gemm.input("x", -1, WIDTH);
      String weight = gemm.weight("w", WIDTH, WIDTH);
      gemm.output("y", gemm.product(x, WIDTH, weight, gemm.weight("bias", WIDTH)), -1, WIDTH);
      seen.put("Gemm " + type, run(gemm, products, ROWS));
      Graph experts = MemberGraphs.fused(WIDTH, "m", mixture, products, target.kernels());
      seen.put(
          "com.microsoft.MoE " + type,
          experts == null ? "is not written for it" : run(experts, products, ROWS));
    }
  }

  private void one(String name, String type, Written written) {
    one(name, type, written, ROWS);
  }

  private void one(String name, String type, Written written, int rows) {
    as(name, type, 1, written, rows);
  }

  private void as(String name, String type, int number, Written written, int rows) {
    Graph graph = new Graph(name);
    String x = graph.input("x", -1, WIDTH);
    String in = number == 1 ? x : graph.node("Cast", Map.of("to", number), x);
    String made = written.write(graph, in);
    String out = number == 1 ? made : graph.node("Cast", Map.of("to", 1), made);
    String y = graph.node("Reshape", Map.of(), out, graph.integers(-1, WIDTH));
    graph.output("y", y, -1, WIDTH);
    seen.put(name + " " + type, run(graph, Products.FP32, rows));
  }

  private String run(Graph graph, Products products, int rows) {
    Target strict = target.isCpu() ? target : new Target(target.device(), true);
    Opener opener = new Opener(weights, Gpu.runtime(), strict, 1, products);
    FloatBuffer in = BufferPool.direct(ROWS * WIDTH);
    for (int i = 0; i < ROWS * WIDTH; i++) {
      in.put(i, 1 + (i * 7 % 13) / 13f);
    }
    FloatBuffer out = BufferPool.direct(rows * WIDTH);
    FloatBuffer logits = BufferPool.direct(ROWS * EXPERTS);
    try (Session session = opener.open(graph);
        Call call = session.call()) {
      call.in("x", in, 0, ROWS, WIDTH).out("y", out, 0, rows, WIDTH);
      if (graph.name().startsWith("m.")) {
        call.in("logits", logits, 0, ROWS, EXPERTS);
      }
      call.run();
      return "runs";
    } catch (IllegalStateException failed) {
      String line = String.valueOf(failed.getMessage()).replaceAll("\\s+", " ");
      return line.length() > MOST_SAID ? line.substring(0, MOST_SAID) + "..." : line;
    }
  }

  private static Weights weights() {
    List<Tensor> all = new ArrayList<>();
    all.add(ones("w", WIDTH, WIDTH));
    all.add(ones("scale", WIDTH));
    all.add(ones("bias", WIDTH));
    all.add(ones("mask", ROWS, ROWS));
    all.add(ones("angles", 1, ROWS, WIDTH / 4));
    for (int e = 0; e < EXPERTS; e++) {
      for (String part : List.of("gate", "up", "down")) {
        all.add(ones("m.experts." + e + "." + part + ".weight", WIDTH, WIDTH));
      }
    }
    return MemoryWeights.of(all);
  }

  private static Tensor ones(String name, Integer... shape) {
    float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.fill(values, 1);
    return MemoryWeights.tensor(name, List.of(shape), values);
  }
}
