package anabranch.onnx.step;

import anabranch.model.layer.Attention;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.state.KeyValues;
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
  private final int keyValueWidth;
  private final AttentionCore core;
  private final BufferPool pool;
  private final boolean asked;

  /** For each row of the span, the index of its key; -1 where it shows none. */
  private final int[] index;

  SpanAttention(
      StageRun run,
      int span,
      Layout.Entry entry,
      Attention attention,
      AttentionCore core,
      boolean asked) {
    this.run = run;
    this.packing = run.packing;
    this.span = span;
    this.entry = entry;
    this.causal = attention.mask() == Attention.Mask.CAUSAL;
    this.keyValueWidth = attention.keyValueWidth();
    this.core = core;
    this.pool = run.call.pool;
    this.asked = asked;
    index = new int[packing.size(span)];
  }

  /**
   * Stores the span's keys and values where later calls need them, and answers its queries.
   *
   * @param o receives results of live rows, packed like q
   */
  void run(FloatBuffer q, FloatBuffer k, FloatBuffer v, FloatBuffer o) {
    int size = packing.size(span);
    if (entry.kind() == Layout.Kind.ROWS) {
      OnnxState state = run.call.state(span);
      KeyValues store = state.rows(entry);
      Layout.Entry before = entry.before();
      append(store, before == null ? null : state.rows(before), k, v);
      int first = causal ? 0 : store.published();
      answer(q, o, store.keys(), store.values(), first, store.written() - first);
    } else if (packing.liveOf(span) == size) {
      Arrays.setAll(index, i -> i);
      answer(q, o, k, v, packing.firstPlace(span), size);
    } else {
      try (KeyValues store = new KeyValues(pool, keyValueWidth)) {
        append(store, null, k, v);
        answer(q, o, store.keys(), store.values(), 0, store.written());
      }
    }
  }

  private void append(KeyValues store, @Nullable KeyValues before, FloatBuffer k, FloatBuffer v) {
    int first = packing.first[span];
    store.reserve(index.length);
    for (int i = 0; i < index.length; i++) {
      int row = first + i;
      index[i] = store.written();
      if (packing.role(row) != Role.SHARED) {
        store.add(packing.position(row), k, v, packing.place(row));
      } else if (before != null) {
        store.add(packing.position(row), before);
      }
      index[i] = store.written() > index[i] ? index[i] : -1;
    }
    if (causal) {
      store.end();
    }
  }

  /**
   * Answers the live rows.
   *
   * @param firstKey the first key they may read
   * @param count how many follow
   */
  private void answer(
      FloatBuffer q, FloatBuffer o, FloatBuffer keys, FloatBuffer values, int firstKey, int count) {
    int[] own = new int[packing.liveOf(span)];
    int live = 0;
    for (int i = 0; i < index.length; i++) {
      if (packing.isLive(packing.first[span] + i)) {
        own[live++] = index[i];
      }
    }
    int place = packing.firstPlace(span);
    if (live > 0) {
      core.answer(q, o, place, own, keys, values, firstKey, count, pool);
    }
    float[] received = run.call.received;
    if (asked && received != null) {
      float[] of = core.received(q, place, own, keys, firstKey, count, pool);
      int offset = entry.kind() == Layout.Kind.ROWS && !causal ? firstKey : 0;
      for (int i = 0; i < index.length; i++) {
        int row = packing.inBatch(packing.first[span] + i);
        received[row] = index[i] < 0 ? 0 : of[index[i] - offset];
      }
    }
  }
}
