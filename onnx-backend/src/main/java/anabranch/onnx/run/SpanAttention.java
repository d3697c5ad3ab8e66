package anabranch.onnx.run;

import anabranch.model.Attention;
import anabranch.onnx.attention.KeyValues;
import anabranch.onnx.memory.BufferPool;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/** The core of one attention for one span. Confined to one call. */
final class SpanAttention {
  private final Packing packing;
  private final int span;
  private final LoadedStep.Attend attend;
  private final BufferPool pool;

  SpanAttention(Packing packing, int span, LoadedStep.Attend attend, BufferPool pool) {
    this.packing = packing;
    this.span = span;
    this.attend = attend;
    this.pool = pool;
  }

  /**
   * Stores the span's keys and values where later calls need them, and answers its queries.
   *
   * @param slot the state's slot; null where no call follows
   * @param o receives results of live rows, packed like q; null where there are none
   */
  void run(
      OnnxState.@Nullable Slot slot,
      FloatBuffer q,
      FloatBuffer k,
      FloatBuffer v,
      @Nullable FloatBuffer o) {
    Attention attention = attend.step().attention();
    if (slot != null) {
      KeyValues store = slot.layers.get(attend.ordinal());
      append(store, slot.rows(), k, v, true);
      answer(q, o, store.keys(), store.values(), 0, slot.rows());
    } else if (attention.mask() == Attention.Mask.FULL && liveRows() == packing.size(span)) {
      answer(q, o, k, v, firstPlace(), 0);
    } else {
      try (KeyValues store = new KeyValues(pool, attention.keyValueWidth())) {
        append(store, 0, k, v, attention.mask() == Attention.Mask.CAUSAL);
        answer(q, o, store.keys(), store.values(), 0, 0);
      }
    }
  }

  private void append(KeyValues store, int known, FloatBuffer k, FloatBuffer v, boolean tiles) {
    int first = packing.first[span];
    int size = packing.size(span);
    store.reserve(known + size, known);
    int i = 0;
    while (i < size) {
      int start = i++;
      while (i < size && packing.place[first + i] == packing.place[first + start] + i - start) {
        i++;
      }
      store.put(known + start, k, v, packing.place[first + start], i - start);
    }
    if (tiles) {
      store.endAt(known + size);
    }
  }

  private void answer(
      FloatBuffer q,
      @Nullable FloatBuffer o,
      FloatBuffer keys,
      FloatBuffer values,
      int firstKey,
      int known) {
    int[] indices = new int[liveRows()];
    if (indices.length == 0 || o == null) {
      return;
    }
    int count = 0;
    int first = packing.first[span];
    int size = packing.size(span);
    for (int i = 0; i < size; i++) {
      if (packing.isLive[first + i]) {
        indices[count++] = known + i;
      }
    }
    attend.core().answer(q, o, firstPlace(), indices, keys, values, firstKey, size, pool);
  }

  /** Returns the place of the first live row; places of live rows of a span follow each other. */
  private int firstPlace() {
    for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
      if (packing.isLive[row]) {
        return packing.place[row];
      }
    }
    return 0;
  }

  private int liveRows() {
    int count = 0;
    for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
      count += packing.isLive[row] ? 1 : 0;
    }
    return count;
  }
}
