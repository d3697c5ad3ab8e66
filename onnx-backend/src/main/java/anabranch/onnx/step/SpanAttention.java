package anabranch.onnx.step;

import anabranch.backend.Rows;
import anabranch.model.plan.GraphRank;
import anabranch.onnx.attention.Additions;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.attention.Queries;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.state.KeyValues;
import anabranch.onnx.state.Keys;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.OnnxState;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The core of one attention for one span. Confined to one call. */
final class SpanAttention {
  private final StageRun run;
  private final Packing packing;
  private final int span;
  private final Layout.Entry entry;
  private final boolean causal;
  private final AttentionCore core;
  private final Additions additions;
  private final BufferPool pool;
  private final boolean asked;

  /** For each row of the span, the index of its key; -1 where it shows none. */
  private final int[] index;

  SpanAttention(
      StageRun run,
      int span,
      Layout.Entry entry,
      AttentionCore core,
      Additions additions,
      boolean asked) {
    this.run = run;
    this.packing = run.packing;
    this.span = span;
    this.entry = entry;
    this.causal = core.shape().causal();
    this.core = core;
    this.additions = additions;
    this.pool = run.call.pool;
    this.asked = asked;
    index = new int[packing.size(span)];
  }

  /**
   * Stores the span's keys and values where later calls need them, and answers its queries.
   *
   * @param o receives results of live rows, packed like q
   */
  void run(FloatBuffer q, Shown shown, FloatBuffer o) {
    int size = packing.size(span);
    if (entry.kind() == Layout.Kind.ROWS) {
      OnnxState state = run.call.state(span);
      KeyValues store = state.rows(entry);
      Layout.Entry before = entry.before();
      append(store, before == null ? null : state.rows(before), shown);
      int first = causal ? 0 : store.published();
      answer(q, o, store.seen(first));
    } else if (packing.liveOf(span) == size) {
      Arrays.setAll(index, i -> i);
      int[] positions = new int[size];
      Arrays.setAll(positions, i -> packing.position(packing.first[span] + i));
      answer(
          q, o, new Keys(shown.keys(), shown.values(), packing.firstPlace(span), size, positions));
    } else {
      try (KeyValues store = new KeyValues(pool, entry.width(), entry.values(), false)) {
        append(store, null, shown);
        answer(q, o, store.seen(0));
      }
    }
  }

  private void append(KeyValues store, @Nullable KeyValues before, Shown shown) {
    int first = packing.first[span];
    store.reserve(index.length);
    for (int i = 0; i < index.length; i++) {
      int row = first + i;
      index[i] = store.written();
      if (shown.kept()) {
        store.add(packing.position(row));
      } else if (packing.role(row) != Role.SHARED) {
        store.add(packing.position(row), shown.keys(), shown.values(), packing.place(row));
      } else if (before != null) {
        store.add(packing.position(row), before);
      }
      index[i] = store.written() > index[i] ? index[i] : -1;
    }
    if (causal) {
      store.end();
    }
  }

  private void answer(FloatBuffer q, FloatBuffer o, Keys keys) {
    int[] own = new int[packing.liveOf(span)];
    int[] positions = new int[own.length];
    int live = 0;
    for (int i = 0; i < index.length; i++) {
      int row = packing.first[span] + i;
      if (packing.isLive(row)) {
        positions[live] = packing.position(row);
        own[live++] = index[i];
      }
    }
    Queries queries = new Queries(q, packing.firstPlace(span), own, positions);
    if (live > 0) {
      Keys counted = core.shape().counts() ? keys.adding(logarithms(keys)) : keys;
      core.answer(queries, counted, additions, o, pool);
    }
    float[] received = run.call.received();
    if (!asked || received == null || run.call.asked == null) {
      return;
    }
    int offset = entry.kind() == Layout.Kind.ROWS && !causal ? keys.first() : 0;
    GraphRank rank = run.call.asked.rank();
    if (rank != null) {
      rank(rank, queries, keys, offset, received);
      return;
    }
    float[] of = core.received(queries, keys, additions, pool);
    for (int i = 0; i < index.length; i++) {
      int row = packing.inBatch(packing.first[span] + i);
      received[row] = index[i] < 0 ? 0 : of[index[i] - offset];
    }
  }

  /** Ranks live rows and takes down their keys, unless nobody is scored. */
  private void rank(GraphRank how, Queries queries, Keys keys, int offset, float[] into) {
    if (!scored()) {
      return;
    }
    int[] own = Arrays.stream(queries.own()).map(key -> key - offset).toArray();
    double[] ranks = core.ranks(how, queries, own, keys, additions, pool);
    float[][] shown = run.call.shown();
    int width = core.shape().keyWidth();
    int live = 0;
    for (int i = 0; i < index.length; i++) {
      int row = packing.first[span] + i;
      if (packing.isLive(row)) {
        int inBatch = packing.inBatch(row);
        if (shown != null) {
          shown[inBatch] = new float[width];
          keys.keys().get((keys.first() + own[live]) * width, shown[inBatch]);
        }
        into[inBatch] = (float) ranks[live++];
      }
    }
  }

  /** Returns, for each key, the logarithm of the number of rows that it stands for. */
  private float[] logarithms(Keys keys) {
    float[] added = new float[keys.count()];
    int offset = entry.kind() == Layout.Kind.ROWS ? keys.first() : 0;
    for (int i = 0; i < index.length; i++) {
      if (index[i] >= 0) {
        added[index[i] - offset] = (float) Math.log(packing.count(packing.first[span] + i));
      }
    }
    return added;
  }

  private boolean scored() {
    Rows rows = packing.spans.get(span).rows();
    for (int i = 0; i < rows.size(); i++) {
      if (rows.scored(i)) {
        return true;
      }
    }
    return false;
  }
}
