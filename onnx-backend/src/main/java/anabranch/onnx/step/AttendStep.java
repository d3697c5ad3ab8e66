package anabranch.onnx.step;

import anabranch.model.layer.Attention;
import anabranch.onnx.attention.Additions;
import anabranch.onnx.attention.Angles;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.attention.Queries;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.KeyValues;
import anabranch.onnx.state.Keys;
import anabranch.onnx.state.Layout;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** An attention up to its output projection. Thread-safe. */
public final class AttendStep implements LoadedStep {
  /** From so many rows on, to copy them costs more than to name their place anew in each call. */
  private static final int MANY = 16;

  private final Step.Attend step;
  private final Attention attention;
  private final @Nullable Session keysAndValues;
  private final @Nullable Session query;
  private final AttentionCore core;
  private final Additions additions;
  private final @Nullable Angles angles;

  /**
   * Creates a step.
   *
   * @param keysAndValues null where another graph makes them; of queries too, where all are made at
   *     once
   * @param query null where another graph makes queries
   * @param core shared with attentions of the same shape
   * @param additions to the scores
   * @param angles rotary positions; null for none
   */
  AttendStep(
      Step.Attend step,
      @Nullable Session keysAndValues,
      @Nullable Session query,
      AttentionCore core,
      Additions additions,
      @Nullable Angles angles) {
    this.step = step;
    this.attention = step.attention();
    this.keysAndValues = keysAndValues;
    this.query = query;
    this.core = core;
    this.additions = additions;
    this.angles = angles;
  }

  @Override
  public void take(StageRun run) {
    FloatBuffer o = run.newUpdate(core.shape().resultWidth());
    try (Scope inner = new Scope(run.call.pool)) {
      if (attention.mask() == Attention.Mask.MEMORY) {
        FloatBuffer q = queries(run, run.x(), inner);
        remember(run, q, o);
        return;
      }
      if (step.atOnce()) {
        atOnce(run, o, inner);
        return;
      }
      Shown shown = show(run, inner);
      FloatBuffer q = queries(run, read(run), inner);
      attend(run, q, shown, o);
    }
  }

  /** Makes queries, keys and values of every row in one call. */
  private void atOnce(StageRun run, FloatBuffer o, Scope inner) {
    int rows = run.packing.projecting;
    if (rows == 0) {
      return;
    }
    int keyWidth = core.shape().keyWidth();
    int valueWidth = core.shape().valueWidth();
    FloatBuffer q = inner.rows(rows, core.shape().queryWidth());
    KeyValues store = store(run);
    int at = store == null ? 0 : store.written();
    if (store != null) {
      store.reserve(rows);
    }
    FloatBuffer k = store == null ? inner.rows(rows, keyWidth) : store.keys();
    FloatBuffer v = store == null ? inner.rows(rows, valueWidth) : store.values();
    try (Call call = keysAndValues().call()) {
      call.in("x", run.x(), 0, rows, run.width);
      rotated(run, call, "q", q, 0, rows, core.shape().queryWidth());
      rotated(run, call, "k", k, at * keyWidth, rows, keyWidth);
      call.out("v", v, at * valueWidth, rows, valueWidth).run();
    }
    attend(run, q, new Shown(k, v, store != null), o);
  }

  /** Returns where many rows of one sequence are kept as they are made; null where they are not. */
  private @Nullable KeyValues store(StageRun run) {
    Packing packing = run.packing;
    if (packing.rows < MANY || packing.live < packing.rows || packing.spans.size() > 1) {
      return null;
    }
    Layout.Entry entry = run.entry(step.path());
    if (entry.kind() != Layout.Kind.ROWS) {
      return null;
    }
    KeyValues store = run.call.state(0).rows(entry);
    return store.rounds() ? null : store;
  }

  /** Makes keys and values of the rows that show some, and what others read in this attention. */
  Shown show(StageRun run, Scope inner) {
    return show(run, "v", core.shape().valueWidth(), inner);
  }

  /**
   * Makes keys, and what stands in the place of values.
   *
   * @param name of that output
   * @param length of that output; 0 for none
   */
  Shown show(StageRun run, String name, int length, Scope inner) {
    int showing = run.packing.projecting;
    int keyWidth = core.shape().keyWidth();
    FloatBuffer k = inner.rows(showing, keyWidth);
    FloatBuffer v = inner.rows(showing, length);
    if (showing > 0) {
      try (Call call = keysAndValues().call()) {
        call.in("x", run.x(), 0, showing, run.width);
        if (step.normed()) {
          call.out("n", run.normed(), 0, showing, run.width);
        }
        rotated(run, call, "k", k, 0, showing, keyWidth);
        if (length > 0) {
          call.out(name, v, 0, showing, length);
        }
        call.run();
      }
    }
    return new Shown(k, v);
  }

  /** Returns what queries are made of, by place, once keys are made. */
  FloatBuffer read(StageRun run) {
    return step.normed() ? run.normed() : run.x();
  }

  private Session keysAndValues() {
    if (keysAndValues == null) {
      throw new AssertionError(step.path() + " has its keys of another graph");
    }
    return keysAndValues;
  }

  /**
   * Answers the queries of live rows, span by span.
   *
   * @param q by place, of live rows
   * @param shown of rows that show some
   * @param o receives results of live rows
   */
  public void attend(StageRun run, FloatBuffer q, Shown shown, FloatBuffer o) {
    Packing packing = run.packing;
    Layout.Entry entry = run.entry(step.path());
    boolean asked = run.call.asks(run.member(), step.path());
    for (int span = 0; span < packing.spans.size(); span++) {
      if (packing.size(span) > 0) {
        SpanAttention of = new SpanAttention(run, span, entry, core, additions, asked);
        of.run(q, shown, o);
      }
    }
  }

  /**
   * Returns what live rows give to projected ones alone, the mean over heads and live rows; 0 where
   * there is no live row.
   *
   * @param spans the number of the first projected row of each span, by place, and how many follow
   */
  float[][] give(StageRun run, int[][] spans) {
    float[][] given = new float[spans.length][];
    try (Scope inner = new Scope(run.call.pool)) {
      Shown shown = show(run, inner);
      FloatBuffer q = queries(run, read(run), inner);
      int[] positions = run.packing.positions();
      for (int span = 0; span < spans.length; span++) {
        int first = spans[span][0];
        int count = spans[span][1];
        int place = run.packing.firstPlace(span);
        int[] own = new int[count == 0 ? 0 : run.packing.liveOf(span)];
        int[] asking = Arrays.copyOfRange(positions, place, place + own.length);
        int[] at = Arrays.copyOfRange(positions, first, first + count);
        Keys keys = new Keys(shown.keys(), shown.values(), first, count, at);
        Queries queries = new Queries(q, place, own, asking);
        given[span] = core.received(queries, keys, additions, run.call.pool);
      }
    }
    return given;
  }

  /** Writes keys and values of rows of the memory. */
  public void project(FloatBuffer memory, int rows, int width, FloatBuffer k, FloatBuffer v) {
    try (Call call = keysAndValues().call()) {
      call.in("x", memory, 0, rows, width)
          .out("k", k, 0, rows, attention.keyValueWidth())
          .out("v", v, 0, rows, attention.keyValueWidth())
          .run();
    }
  }

  private void remember(StageRun run, FloatBuffer q, FloatBuffer o) {
    Packing packing = run.packing;
    BufferPool pool = run.call.pool;
    Layout.Entry entry = run.entry(step.path());
    for (int span = 0; span < packing.spans.size(); span++) {
      int[] queries = new int[packing.liveOf(span)];
      if (queries.length > 0) {
        KeyValues memory = run.call.state(span).rows(entry);
        if (memory.written() == 0) {
          throw new IllegalArgumentException(
              step.path() + " reads a memory, and the sequence has none");
        }
        Keys keys = memory.seen(0);
        core.answer(
            new Queries(q, packing.firstPlace(span), queries, queries), keys, additions, o, pool);
      }
    }
  }

  /** Makes the queries of live rows, by place. */
  FloatBuffer queries(StageRun run, FloatBuffer read, Scope inner) {
    int live = run.packing.live;
    int queryWidth = core.shape().queryWidth();
    FloatBuffer q = inner.rows(live, queryWidth);
    if (live > 0 && query != null) {
      try (Call call = query.call()) {
        call.in("n", read, 0, live, run.width);
        rotated(run, call, "q", q, 0, live, queryWidth);
        call.run();
      }
    }
    return q;
  }

  /** Declares a rotated output, and the angles that it is made with. */
  void rotated(
      StageRun run, Call call, String name, FloatBuffer into, int offset, int rows, int out) {
    if (angles == null) {
      call.out(name, into, offset, rows, out);
      return;
    }
    FloatBuffer[] both = run.angles(angles);
    call.in("cos", both[0], 0, 1, rows, angles.pairs());
    call.in("sin", both[1], 0, 1, rows, angles.pairs());
    call.out(name, into, offset, 1, rows, out);
  }
}
