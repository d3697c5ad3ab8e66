package anabranch.benchmarks.peer;

import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.KeyValues;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * The floor of the small Mixtral: all operators of the runtime that its rows need, as bare calls
 * with tensors made beforehand, each on what the one before wrote. Rows ask keys that lie head by
 * head, as suits the runtime best: one alone so many, many in tiles, each the keys up to its end.
 * Experts run as many rows as in the model, but the first ones, and rows go on with what the last
 * expert made: nothing is routed, gathered, weighted, added up or kept, so it computes no model.
 * Confined to one thread.
 */
final class BareKernels implements AutoCloseable {
  private static final int WIDTH = SmallMixtral.WIDTH;
  private static final int HEADS = SmallMixtral.HEADS;
  private static final int EACH = WIDTH / HEADS;

  private final int rows;
  private final Opener opener;
  private final List<Layer> layers = new ArrayList<>();
  private final Map<Integer, FloatBuffer> masks = new HashMap<>();
  private final Call embedding;
  private final Call head;
  private final SplittableRandom random = new SplittableRandom(1);

  /** Calls of a layer: queries, keys and values; the core; results and router; busy experts. */
  private record Layer(Call in, List<Call> core, Call out, List<Call> experts) {}

  /**
   * Opens the kernels of one row.
   *
   * @param weights to stay open meanwhile
   * @param keys how many it asks
   */
  static BareKernels ofOneRow(Weights weights, int keys) {
    int[] one = new int[SmallMixtral.EXPERTS];
    Arrays.fill(one, 1);
    return new BareKernels(weights, 1, keys, Collections.nCopies(SmallMixtral.LAYERS, one));
  }

  /**
   * Opens the kernels of many rows.
   *
   * @param weights to stay open meanwhile
   * @param rows how many; they fill whole tiles
   * @param counts how many of them each expert of each layer has
   */
  static BareKernels ofRows(Weights weights, int rows, List<int[]> counts) {
    return new BareKernels(weights, rows, rows, counts);
  }

  private BareKernels(Weights weights, int rows, int keys, List<int[]> counts) {
    this.rows = rows;
    opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1);
    FloatBuffer x = room(WIDTH);
    FloatBuffer y = room(WIDTH);
    FloatBuffer q = room(WIDTH);
    FloatBuffer k = room(WIDTH);
    FloatBuffer v = room(WIDTH);
    FloatBuffer o = room(WIDTH);
    FloatBuffer h = room(WIDTH);
    FloatBuffer n = room(WIDTH);
    FloatBuffer logits = room(SmallMixtral.EXPERTS);
    FloatBuffer angles = kept(rows, EACH / 2);
    embedding = opener.open(embedding()).call().in("ids", ids(rows), rows);
    embedding.out("h", h, 0, rows, WIDTH).out("y", y, 0, rows, WIDTH);
    for (int layer = 0; layer < SmallMixtral.LAYERS; layer++) {
      String path = "blocks." + layer + ".";
      Call in = opener.open(in(path + "attention")).call();
      Call out = opener.open(out(path)).call();
      List<Call> experts = new ArrayList<>();
      for (int e = 0; e < SmallMixtral.EXPERTS; e++) {
        int each = counts.get(layer)[e];
        if (each > 0) {
          Call expert = opener.openOneOfMany(expert(path + "mixture.experts." + e)).call();
          experts.add(expert.in("x", n, 0, each, WIDTH).out("y", y, 0, each, WIDTH));
        }
      }
      layers.add(
          new Layer(
              in.in("h", h, 0, rows, WIDTH)
                  .in("y", y, 0, rows, WIDTH)
                  .in("cos", angles, 0, 1, rows, EACH / 2)
                  .in("sin", angles, 0, 1, rows, EACH / 2)
                  .out("x", x, 0, rows, WIDTH)
                  .out("q", q, 0, 1, rows, WIDTH)
                  .out("k", k, 0, 1, rows, WIDTH)
                  .out("v", v, 0, rows, WIDTH),
              cores(opener.open(core(rows > 1)), keys, q, o),
              out.in("x", x, 0, rows, WIDTH)
                  .in("o", o, 0, rows, WIDTH)
                  .out("h", h, 0, rows, WIDTH)
                  .out("n", n, 0, rows, WIDTH)
                  .out("logits", logits, 0, rows, SmallMixtral.EXPERTS),
              experts));
    }
    FloatBuffer answers = room(SmallMixtral.VOCABULARY);
    head = opener.open(head()).call().in("h", h, 0, rows, WIDTH).in("y", y, 0, rows, WIDTH);
    head.out("logits", answers, 0, rows, SmallMixtral.VOCABULARY);
  }

  private static LongBuffer ids(int rows) {
    LongBuffer ids =
        ByteBuffer.allocateDirect(Long.BYTES * rows).order(ByteOrder.nativeOrder()).asLongBuffer();
    for (int row = 0; row < rows; row++) {
      ids.put(row, row % SmallMixtral.VOCABULARY);
    }
    return ids;
  }

  private FloatBuffer room(int width) {
    return BufferPool.direct((long) rows * width);
  }

  /** Returns vectors in memory of their own: what nobody wrote would lie in one page of zeros. */
  private static FloatBuffer kept(int rows, int width) {
    FloatBuffer numbers = BufferPool.direct((long) rows * width);
    for (int i = 0; i < numbers.capacity(); i++) {
      numbers.put(i, i % 7 - 3);
    }
    return numbers;
  }

  private static Graph embedding() {
    Graph graph = new Graph("embedding");
    String table = graph.weight("embedding.tokens", SmallMixtral.VOCABULARY, WIDTH);
    String h = graph.node("Gather", Map.of(), table, graph.integerInput("ids", -1));
    graph.output("h", h, -1, WIDTH);
    graph.output("y", graph.node("Identity", Map.of(), h), -1, WIDTH);
    return graph;
  }

  /** Returns the sum of hidden vectors and what experts made of them. */
  private static String residual(Graph graph) {
    return graph.node("Add", Map.of(), graph.input("h", -1, WIDTH), graph.input("y", -1, WIDTH));
  }

  private static Graph in(String path) {
    Graph graph = new Graph(path + ".in");
    String x = residual(graph);
    graph.output("x", x, -1, WIDTH);
    String n = norm(graph, path + ".before", x);
    String cos = graph.input("cos", 1, -1, EACH / 2);
    String sin = graph.input("sin", 1, -1, EACH / 2);
    for (String part : List.of("q", "k")) {
      String made = product(graph, path + "." + part, WIDTH, WIDTH, n);
      String batch = graph.node("Unsqueeze", Map.of(), made, graph.integers(0));
      Map<String, Object> heads = Map.of("num_heads", HEADS);
      graph.output(part, graph.node("RotaryEmbedding", heads, batch, cos, sin), 1, -1, WIDTH);
    }
    graph.output("v", product(graph, path + ".v", WIDTH, WIDTH, n), -1, WIDTH);
    return graph;
  }

  private static Graph core(boolean masked) {
    Graph graph = new Graph("core");
    List<String> asked =
        Stream.of("q", "k", "v").map(part -> graph.input(part, 1, HEADS, -1, EACH)).toList();
    String[] inputs = asked.toArray(String[]::new);
    if (masked) {
      inputs = Arrays.copyOf(inputs, 4);
      inputs[3] = graph.input("mask", -1, -1);
    }
    graph.output("o", graph.node("Attention", Map.of(), inputs), 1, HEADS, -1, EACH);
    return graph;
  }

  private List<Call> cores(Session core, int keys, FloatBuffer q, FloatBuffer into) {
    int tile = Math.min(rows, KeyValues.TILE);
    FloatBuffer k = kept(keys, WIDTH);
    FloatBuffer v = kept(keys, WIDTH);
    List<Call> calls = new ArrayList<>();
    for (int to = tile; to <= rows; to += tile) {
      int asked = keys - rows + to;
      int at = (to - tile) * WIDTH;
      Call call =
          core.call()
              .in("q", q, at, 1, HEADS, tile, EACH)
              .in("k", k, 0, 1, HEADS, asked, EACH)
              .in("v", v, 0, 1, HEADS, asked, EACH)
              .out("o", into, at, 1, HEADS, tile, EACH);
      if (rows > 1) {
        FloatBuffer mask = masks.computeIfAbsent(asked, count -> hidden(tile, count));
        call.in("mask", mask, 0, tile, asked);
      }
      calls.add(call);
    }
    return calls;
  }

  /** Returns minus infinity for the keys behind the own one of each query, the last ones of all. */
  private static FloatBuffer hidden(int queries, int keys) {
    FloatBuffer mask = BufferPool.direct((long) queries * keys);
    for (int query = 0; query < queries; query++) {
      for (int key = keys - queries + query + 1; key < keys; key++) {
        mask.put(query * keys + key, Float.NEGATIVE_INFINITY);
      }
    }
    return mask;
  }

  private static Graph out(String path) {
    Graph graph = new Graph(path + "out");
    String x = graph.input("x", -1, WIDTH);
    String made = product(graph, path + "attention.o", WIDTH, WIDTH, graph.input("o", -1, WIDTH));
    String h = graph.node("Add", Map.of(), x, made);
    graph.output("h", h, -1, WIDTH);
    String n = norm(graph, path + "mixture.before", h);
    graph.output("n", n, -1, WIDTH);
    int experts = SmallMixtral.EXPERTS;
    String logits = product(graph, path + "mixture.router", experts, WIDTH, n);
    graph.output("logits", logits, -1, experts);
    return graph;
  }

  private static Graph expert(String path) {
    Graph graph = new Graph(path);
    int inner = SmallMixtral.INNER;
    String x = graph.input("x", -1, WIDTH);
    String gate = product(graph, path + ".gate", inner, WIDTH, x);
    String silu = graph.node("Mul", Map.of(), gate, graph.node("Sigmoid", Map.of(), gate));
    String up = product(graph, path + ".up", inner, WIDTH, x);
    String middle = graph.node("Mul", Map.of(), silu, up);
    graph.output("y", product(graph, path + ".down", WIDTH, inner, middle), -1, WIDTH);
    return graph;
  }

  private static Graph head() {
    Graph graph = new Graph("head");
    String n = norm(graph, "head.norm", residual(graph));
    int outputs = SmallMixtral.VOCABULARY;
    graph.output("logits", product(graph, "head", outputs, WIDTH, n), -1, outputs);
    return graph;
  }

  private static String norm(Graph graph, String path, String value) {
    return graph.node(
        "SimplifiedLayerNormalization",
        Map.of("axis", -1, "epsilon", SmallMixtral.EPSILON, "stash_type", 1),
        value,
        graph.weight(path + ".weight", WIDTH));
  }

  private static String product(Graph graph, String path, int out, int in, String value) {
    return graph.product(value, in, graph.weight(path + ".weight", out, in), null);
  }

  /** Runs all kernels once, one row through experts drawn anew in each layer. */
  void run() {
    embedding.run();
    for (Layer layer : layers) {
      layer.in.run();
      layer.core.forEach(Call::run);
      layer.out.run();
      if (rows > 1) {
        layer.experts.forEach(Call::run);
        continue;
      }
      int first = random.nextInt(SmallMixtral.EXPERTS);
      int others = SmallMixtral.EXPERTS - 1;
      for (int i = 0; i < SmallMixtral.K; i++) {
        layer.experts.get((first + i * (1 + random.nextInt(others))) % SmallMixtral.EXPERTS).run();
      }
    }
    head.run();
  }

  @Override
  public void close() {
    embedding.close();
    for (Layer layer : layers) {
      layer.in.close();
      layer.core.forEach(Call::close);
      layer.out.close();
      layer.experts.forEach(Call::close);
    }
    head.close();
    opener.opened().forEach(Session::close);
  }
}
