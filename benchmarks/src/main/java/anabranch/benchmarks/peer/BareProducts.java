package anabranch.benchmarks.peer;

import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The floor of the small Mixtral: the products that rows need, as bare calls of the runtime with
 * tensors made beforehand, one after the other. Within a layer each reads what the one before
 * wrote; every layer begins with the same rows, or numbers would shrink until they are too small to
 * be multiplied fast. Rows ask keys that lie head by head, as suits the runtime best: one alone so
 * many, many in tiles, each the keys up to its end. Nothing is normed, rotated, hidden, routed,
 * gathered or added up, so it computes no model. Confined to one thread.
 */
final class BareProducts implements AutoCloseable {
  private static final int WIDTH = SmallMixtral.WIDTH;
  private static final int HEADS = SmallMixtral.HEADS;
  private static final int TILE = 64;

  private final int rows;
  private final Opener opener;
  private final List<Layer> layers = new ArrayList<>();
  private final Call head;
  private final SplittableRandom random = new SplittableRandom(1);

  /** Calls of a layer: queries, keys and values; the core; results and router; each expert. */
  private record Layer(Call in, List<Call> core, Call out, List<Call> experts) {}

  /**
   * Opens the products of so many rows, one or a multiple of what fills experts and tiles evenly.
   *
   * @param weights to stay open meanwhile
   * @param keys how many the last row asks; where there are many, as many as rows
   */
  BareProducts(Weights weights, int rows, int keys) {
    this.rows = rows;
    opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1);
    int each = rows == 1 ? 1 : rows * SmallMixtral.K / SmallMixtral.EXPERTS;
    FloatBuffer x = kept(rows);
    FloatBuffer y = room(WIDTH);
    FloatBuffer q = room(WIDTH);
    FloatBuffer k = room(WIDTH);
    FloatBuffer v = room(WIDTH);
    FloatBuffer o = room(WIDTH);
    FloatBuffer logits = room(SmallMixtral.EXPERTS);
    for (int layer = 0; layer < SmallMixtral.LAYERS; layer++) {
      String attention = "blocks." + layer + ".attention.";
      String mixture = "blocks." + layer + ".mixture.";
      Graph in = new Graph(attention + "in");
      String read = in.input("x", -1, WIDTH);
      for (String part : List.of("q", "k", "v")) {
        in.output(part, product(in, attention + part, WIDTH, WIDTH, read), -1, WIDTH);
      }
      List<Call> asked = cores(opener.open(core()), keys, q, v);
      Graph out = new Graph(attention + "out");
      String result = product(out, attention + "o", WIDTH, WIDTH, out.input("v", -1, WIDTH));
      out.output("o", result, -1, WIDTH);
      int experts = SmallMixtral.EXPERTS;
      out.output("logits", product(out, mixture + "router", experts, WIDTH, result), -1, experts);
      List<Call> members = new ArrayList<>();
      for (int e = 0; e < experts; e++) {
        Session expert = opener.open(expert(mixture + "experts." + e));
        members.add(expert.call().in("x", o, 0, each, WIDTH).out("y", y, 0, each, WIDTH));
      }
      layers.add(
          new Layer(
              rows(opener.open(in).call().in("x", x, 0, rows, WIDTH), q, "q", WIDTH)
                  .out("k", k, 0, rows, WIDTH)
                  .out("v", v, 0, rows, WIDTH),
              asked,
              rows(opener.open(out).call().in("v", v, 0, rows, WIDTH), o, "o", WIDTH)
                  .out("logits", logits, 0, rows, experts),
              members));
    }
    Graph last = new Graph("head");
    int outputs = SmallMixtral.VOCABULARY;
    String all = product(last, "head", outputs, WIDTH, last.input("x", -1, WIDTH));
    last.output("logits", all, -1, outputs);
    FloatBuffer answers = BufferPool.direct((long) rows * outputs);
    Call answer = opener.open(last).call().in("x", x, 0, rows, WIDTH);
    head = answer.out("logits", answers, 0, rows, outputs);
  }

  private Call rows(Call call, FloatBuffer into, String output, int width) {
    return call.out(output, into, 0, rows, width);
  }

  private FloatBuffer room(int width) {
    return BufferPool.direct((long) rows * width);
  }

  private static Graph core() {
    Graph graph = new Graph("core");
    long each = WIDTH / HEADS;
    String q = graph.input("q", 1, HEADS, -1, each);
    String k = graph.input("k", 1, HEADS, -1, each);
    String v = graph.input("v", 1, HEADS, -1, each);
    graph.output("o", graph.node("Attention", Map.of(), q, k, v), 1, HEADS, -1, each);
    return graph;
  }

  private List<Call> cores(Session core, int keys, FloatBuffer q, FloatBuffer into) {
    long each = WIDTH / HEADS;
    int tile = Math.min(rows, TILE);
    FloatBuffer k = kept(keys);
    FloatBuffer v = kept(keys);
    List<Call> calls = new ArrayList<>();
    for (int to = tile; to <= rows; to += tile) {
      int asked = keys - rows + to;
      int at = (to - tile) * WIDTH;
      calls.add(
          core.call()
              .in("q", q, at, 1, HEADS, tile, each)
              .in("k", k, 0, 1, HEADS, asked, each)
              .in("v", v, 0, 1, HEADS, asked, each)
              .out("o", into, at, 1, HEADS, tile, each));
    }
    return calls;
  }

  /** Returns vectors in memory of their own: what nobody wrote would lie in one page of zeros. */
  private static FloatBuffer kept(int rows) {
    FloatBuffer numbers = BufferPool.direct((long) rows * WIDTH);
    for (int i = 0; i < numbers.capacity(); i++) {
      numbers.put(i, i % 7 - 3);
    }
    return numbers;
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

  private static String product(Graph graph, String path, int out, int in, String value) {
    return graph.product(value, in, graph.weight(path + ".weight", out, in), null);
  }

  /** Runs all products once, one row through experts drawn anew in each layer. */
  void run() {
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
