package anabranch.onnx.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.model.layer.Attention;
import anabranch.model.layer.Latent;
import anabranch.model.layer.Norm;
import anabranch.model.position.Distances;
import anabranch.onnx.Models;
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
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AttentionCoreTest {
  private static final int ROWS = 150;
  private static final int EACH = 8;
  private static final Distances DISTANCES = new Distances(8, 40, false);

  private final BufferPool pool = new BufferPool(1 << 24);

  /** The attentions: each head alone, some or all together, with what is added to each. */
  private static List<Attention> attentions() {
    Attention grouped = Attention.causal(6, EACH).withKeyValueHeads(2);
    Attention.Scores far = Attention.Scores.usual().withDistances(DISTANCES);
    return List.of(
        Attention.causal(4, EACH),
        grouped,
        Attention.causal(8, EACH).withKeyValueHeads(1),
        Attention.causal(64, EACH).withLatent(new Latent(null, 5, 3, 4, new Norm.Rms(1e-5))),
        grouped.withScores(far),
        grouped.withScores(Attention.Scores.usual().withSinks()),
        grouped.withWindow(20),
        Attention.full(6, EACH).withKeyValueHeads(3),
        Attention.memory(300, EACH).withKeyValueHeads(1));
  }

  /** The operator of the runtime, told of every head, asked for each query twice. */
  @Test
  void headsThatShareKeysReadWhatTheRuntimeReadsHeadByHead() {
    for (Attention attention : attentions()) {
      try (Subject subject = new Subject(attention)) {
        float[] all = subject.read(0, ROWS);
        int width = subject.shape.resultWidth();
        for (int query = 0; query < ROWS; query += 7) {
          float[] expected = subject.byHead(query);
          float[] own = Arrays.copyOfRange(all, query * width, (query + 1) * width);
          assertArrayEquals(expected, own, attention + " query " + query);
        }
      }
    }
  }

  /** D6, D8: whoever else is asked. */
  @Test
  void aQueryReadsTheSameBitsAloneAndAmongOthers() {
    for (Attention attention : attentions()) {
      try (Subject subject = new Subject(attention)) {
        float[] all = subject.read(0, ROWS);
        int width = subject.shape.resultWidth();
        for (int from : new int[] {0, 1, 63, 64, 127, ROWS - 3}) {
          for (int count = 1; count <= 3; count++) {
            float[] some = Arrays.copyOfRange(all, from * width, (from + count) * width);
            assertArrayEquals(some, subject.read(from, count), attention + " from " + from);
          }
        }
      }
    }
  }

  @Test
  void asManyRowsAreAskedAtOnceAsPayForTheFormOfTheirKeys() {
    assertEquals(500, AskedRows.most(CoreShape.of(Attention.causal(4, EACH)), 500));
    Attention grouped = Attention.causal(6, EACH).withKeyValueHeads(2);
    assertEquals(85, AskedRows.most(CoreShape.of(grouped), 500));
    Attention many = Attention.causal(300, EACH).withKeyValueHeads(1);
    assertEquals(1, AskedRows.most(CoreShape.of(many), 500));
  }

  /** An attention with random queries, keys and values of a sequence. */
  private final class Subject implements AutoCloseable {
    private final CoreShape shape;
    private final Attention attention;
    private final SplittableRandom random = new SplittableRandom(3);
    private final Weights weights = Weights.random(Models.causal(), 1);
    private final Opener opener = new Opener(weights, NativeRuntime.get(1), Session.CPU, 1);
    private final AttentionCore core;
    private final Additions additions;
    private final Session plain;
    private final FloatBuffer q;
    private final Keys keys;
    private final float[] near;
    private final float[] sinks;

    Subject(Attention attention) {
      this.attention = attention;
      shape = CoreShape.of(attention);
      core = new AttentionCore(shape, opener.open(EdgeGraphs.core(shape)), null, null);
      plain = opener.open(plain());
      near = numbers(DISTANCES.buckets() * shape.heads());
      sinks = numbers(shape.heads());
      Attention.Scores scores = attention.scores();
      boolean far = scores != null && scores.distances() != null;
      boolean sunk = scores != null && scores.sinks();
      additions = new Additions(attention, far ? near : null, sunk ? sinks : null);
      q = drawn(ROWS * shape.queryWidth());
      int room = KeyValues.tileEnd(ROWS - 1);
      int[] positions = IntStream.range(0, ROWS).toArray();
      FloatBuffer k = drawn(room * shape.keyWidth());
      FloatBuffer v = drawn(room * shape.valueWidth());
      keys = new Keys(k, v, 0, ROWS, positions);
    }

    private float[] numbers(int count) {
      float[] numbers = new float[count];
      drawn(count).get(0, numbers);
      return numbers;
    }

    private FloatBuffer drawn(int count) {
      FloatBuffer numbers = BufferPool.direct(count);
      for (int i = 0; i < count; i++) {
        numbers.put(i, (float) random.nextDouble(-1, 1));
      }
      return numbers;
    }

    private float[] read(int from, int count) {
      FloatBuffer o = BufferPool.direct((long) ROWS * shape.resultWidth());
      int[] rows = IntStream.range(from, from + count).toArray();
      core.answer(new Queries(q, from, rows, rows), keys, additions, o, pool);
      float[] read = new float[count * shape.resultWidth()];
      o.get(from * shape.resultWidth(), read);
      return read;
    }

    /** Returns the operator as its specification has it: heads, and keys that some share. */
    private Graph plain() {
      Graph graph = new Graph("plain");
      String k = graph.input("k", 1, -1, shape.keyWidth());
      String v =
          shape.values()
              ? graph.input("v", 1, -1, shape.valueWidth())
              : graph.node(
                  "Slice",
                  Map.of(),
                  k,
                  graph.integers(0),
                  graph.integers(shape.result()),
                  graph.integers(2));
      Map<String, Object> heads =
          Map.of(
              "q_num_heads",
              shape.heads(),
              "kv_num_heads",
              shape.groups(),
              "scale",
              (float) shape.scale());
      String asked = graph.input("q", 1, -1, shape.queryWidth());
      String mask = graph.input("mask", 1, shape.heads(), -1, -1);
      String o = graph.node("Attention", heads, asked, k, v, mask);
      graph.output("o", o, 1, -1, shape.resultWidth());
      return graph;
    }

    /** Asks one query twice for all keys up to its tile's end, and one of zeros for a sink. */
    private float[] byHead(int query) {
      int first = first(query);
      int known = shape.causal() ? KeyValues.tileEnd(query) - first : ROWS;
      int columns = known + (shape.sinks() ? 1 : 0);
      FloatBuffer twice = BufferPool.direct(2L * shape.queryWidth());
      FloatBuffer mask = BufferPool.direct(2L * shape.heads() * columns);
      for (int i = 0; i < 2; i++) {
        twice.put(i * shape.queryWidth(), q, query * shape.queryWidth(), shape.queryWidth());
        for (int head = 0; head < shape.heads(); head++) {
          for (int column = 0; column < columns; column++) {
            int at = (head * 2 + i) * columns + column;
            mask.put(at, column < known ? added(query, first + column, head) : sinks[head]);
          }
        }
      }
      FloatBuffer o = BufferPool.direct(2L * shape.resultWidth());
      int keyWidth = shape.keyWidth();
      int valueWidth = shape.valueWidth();
      try (Call call = plain.call()) {
        call.in("q", twice, 0, 1, 2, shape.queryWidth())
            .in("k", behind(keys.keys(), first, known, keyWidth, columns), 0, 1, columns, keyWidth)
            .in("mask", mask, 0, 1, shape.heads(), 2, columns);
        if (shape.values()) {
          FloatBuffer v = behind(keys.values(), first, known, valueWidth, columns);
          call.in("v", v, 0, 1, columns, valueWidth);
        }
        call.out("o", o, 0, 1, 2, shape.resultWidth()).run();
      }
      float[] read = new float[shape.resultWidth()];
      o.get(0, read);
      return read;
    }

    /** Returns the first key of the tile in which the window of a query begins. */
    private int first(int query) {
      Attention.Window window = attention.window();
      int rows = window == null ? ROWS : window.rows();
      return KeyValues.tileStart(Math.max(0, query - rows + 1));
    }

    private FloatBuffer behind(FloatBuffer numbers, int first, int known, int width, int columns) {
      return BufferPool.direct((long) columns * width)
          .put(0, numbers, first * width, known * width);
    }

    private float added(int query, int key, int head) {
      Attention.Window window = attention.window();
      boolean gone = window != null && key <= query - window.rows();
      if (shape.causal() && (key > query || gone)) {
        return Float.NEGATIVE_INFINITY;
      }
      boolean far = shape.distances() != null;
      return far ? near[DISTANCES.bucket(key - query) * shape.heads() + head] : 0;
    }

    @Override
    public void close() {
      opener.await();
      opener.opened().forEach(Session::close);
      weights.close();
    }
  }
}
