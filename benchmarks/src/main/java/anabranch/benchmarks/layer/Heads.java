package anabranch.benchmarks.layer;

import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Norm;
import anabranch.onnx.attention.Additions;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.attention.Queries;
import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.graph.EdgeGraphs;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.KeyValues;
import anabranch.onnx.state.Keys;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Attention whose heads share keys, from queries to what they read: our core, which hands them to
 * the runtime as rows of one head, against the runtime's operator as its specification has it, told
 * of every head. The operator is asked as little as it can be: its own keys, a single query once
 * and without a mask. Both run in turn on one thread, and what they read is compared.
 */
public final class Heads {
  private static final double TOLERANCE = 1e-4;
  private static final int WARM_UPS = 5;
  private static final int MANY = KeyValues.TILE;

  /** What sharing should be worth to a row that comes alone, and to those of a tile. */
  private static final double ONE_ROW = 1.2;

  private static final double MANY_ROWS = 0.97;

  private final Report report;
  private final int rounds;

  private Heads(int rounds, Report report) {
    this.rounds = rounds;
    this.report = report;
  }

  /** Measures heads that share keys by four and by seven, latent keys, and heads of their own. */
  public static void run(int rounds, Report report) {
    try (Limits limits = new Limits()) {
      report.limits(limits.probe());
      Latent latent = new Latent(null, 512, 64, 128, new Norm.Rms(1e-6));
      List<Attention> attentions =
          List.of(
              Attention.causal(32, 128).withKeyValueHeads(8),
              Attention.causal(28, 128).withKeyValueHeads(4),
              Attention.causal(16, 192).withLatent(latent),
              Attention.causal(8, 128));
      run(attentions, List.of(512, 2048), rounds, report);
      report.limits(limits.probe());
    }
  }

  /**
   * Measures.
   *
   * @param lengths behind how many rows
   */
  static void run(List<Attention> attentions, List<Integer> lengths, int rounds, Report report) {
    Heads heads = new Heads(rounds, report);
    for (Attention attention : attentions) {
      for (int length : lengths) {
        heads.measure(attention, 1, length);
        heads.measure(attention, MANY, length);
      }
    }
  }

  private void measure(Attention attention, int asked, int length) {
    CoreShape shape = CoreShape.of(attention);
    try (Sides sides = new Sides(attention, shape, asked, length)) {
      requireSame(sides.ours(), sides.operator());
      Map<String, Contest.Times> times =
          new Contest()
              .side("ours", sides::ours)
              .side("operator", sides::operator)
              .run(WARM_UPS * rounds, rounds);
      Contest.Times ours = times.get("ours");
      Contest.Times operator = times.get("operator");
      String name =
          "heads.%d of %d by %d.T%d behind %d"
              .formatted(shape.heads(), shape.width(), shape.groups(), asked, length);
      report.note(
          "%s: ours %.0f us, operator %.0f us",
          name, ours.busyMedian() / 1e3, operator.busyMedian() / 1e3);
      double goal = asked == 1 ? ONE_ROW : MANY_ROWS;
      Finding finding = Finding.of(name + ".operator/ours", ours.busyRatiosOver(operator));
      report.finding(shape.sharing() == 1 ? finding : finding.atLeast(goal));
    }
  }

  private static void requireSame(FloatBuffer ours, FloatBuffer operator) {
    for (int i = 0; i < ours.capacity(); i++) {
      if (!(Math.abs(ours.get(i) - operator.get(i)) <= TOLERANCE)) {
        throw new AssertionError(
            "number " + i + " is " + ours.get(i) + ", the operator's " + operator.get(i));
      }
    }
  }

  /** Both sides on the same random queries, keys and values. */
  private static final class Sides implements AutoCloseable {
    private final Weights weights = MemoryWeights.of(List.of());
    private final Opener opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1);
    private final SplittableRandom random = new SplittableRandom(1);
    private final BufferPool pool = new BufferPool(1 << 28);
    private final AttentionCore core;
    private final Additions additions;
    private final Queries queries;
    private final Keys keys;
    private final FloatBuffer ours;
    private final FloatBuffer theirs;
    private final Call call;

    Sides(Attention attention, CoreShape shape, int asked, int length) {
      core = new AttentionCore(shape, opener.open(EdgeGraphs.core(shape)), null, null);
      additions = new Additions(attention, null, null);
      int all = length + asked;
      int room = KeyValues.tileEnd(all - 1);
      FloatBuffer k = drawn(room * shape.keyWidth());
      FloatBuffer v = drawn(room * shape.valueWidth());
      FloatBuffer q = drawn(asked * shape.queryWidth());
      keys = new Keys(k, v, 0, all, IntStream.range(0, all).toArray());
      int[] own = IntStream.range(length, all).toArray();
      queries = new Queries(q, 0, own, own);
      ours = BufferPool.direct((long) asked * shape.resultWidth());
      theirs = BufferPool.direct((long) asked * shape.resultWidth());
      FloatBuffer mask = asked == 1 ? null : mask(asked, all);
      call = opener.open(operator(shape, mask != null)).call();
      call.in("q", q, 0, 1, asked, shape.queryWidth()).in("k", k, 0, 1, all, shape.keyWidth());
      if (shape.values()) {
        call.in("v", v, 0, 1, all, shape.valueWidth());
      }
      if (mask != null) {
        call.in("mask", mask, 0, asked, all);
      }
      call.out("o", theirs, 0, 1, asked, shape.resultWidth());
    }

    private static Graph operator(CoreShape shape, boolean masked) {
      Graph graph = new Graph("operator");
      String q = graph.input("q", 1, -1, shape.queryWidth());
      String k = graph.input("k", 1, -1, shape.keyWidth());
      String v = shape.values() ? graph.input("v", 1, -1, shape.valueWidth()) : null;
      if (v == null) {
        String[] range = {graph.integers(0), graph.integers(shape.result()), graph.integers(2)};
        v = graph.node("Slice", Map.of(), k, range[0], range[1], range[2]);
      }
      Map<String, Object> heads =
          Map.of(
              "q_num_heads",
              shape.heads(),
              "kv_num_heads",
              shape.groups(),
              "scale",
              (float) shape.scale());
      String o =
          masked
              ? graph.node("Attention", heads, q, k, v, graph.input("mask", -1, -1))
              : graph.node("Attention", heads, q, k, v);
      graph.output("o", o, 1, -1, shape.resultWidth());
      return graph;
    }

    private FloatBuffer drawn(int count) {
      FloatBuffer numbers = BufferPool.direct(count);
      for (int i = 0; i < count; i++) {
        numbers.put(i, (float) random.nextDouble(-1, 1));
      }
      return numbers;
    }

    private static FloatBuffer mask(int asked, int all) {
      FloatBuffer mask = BufferPool.direct((long) asked * all);
      for (int query = 0; query < asked; query++) {
        for (int key = all - asked + query + 1; key < all; key++) {
          mask.put(query * all + key, Float.NEGATIVE_INFINITY);
        }
      }
      return mask;
    }

    FloatBuffer ours() {
      core.answer(queries, keys, additions, ours, pool);
      return ours;
    }

    FloatBuffer operator() {
      call.run();
      return theirs;
    }

    @Override
    public void close() {
      call.close();
      opener.opened().forEach(Session::close);
      weights.close();
    }
  }
}
