package anabranch.onnx.attention;

import anabranch.model.layer.Attention;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.KeyValues;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The core of one shape of attention, run for one sequence at a time.
 *
 * <p>A row's bits must not depend on the rows that are asked beside it, nor on how many keys follow
 * it. Products have that property from two query rows on, so a single query is asked twice; and a
 * causal query reads the keys to the end of its own tile and no further, so that the shape of its
 * softmax depends on its place alone. Thread-safe.
 */
public final class AttentionCore {
  private final Session session;
  private final @Nullable Session received;
  private final int queryWidth;
  private final int keyValueWidth;
  private final int heads;
  private final boolean causal;
  private volatile float[] ramp = new float[0];

  /**
   * Creates a core.
   *
   * @param session of the core's graph
   * @param received of the graph of what keys receive; null where nobody asks
   */
  public AttentionCore(Attention attention, Session session, @Nullable Session received) {
    this.session = session;
    this.received = received;
    this.queryWidth = attention.queryWidth();
    this.keyValueWidth = attention.keyValueWidth();
    this.heads = attention.heads();
    this.causal = attention.mask() == Attention.Mask.CAUSAL;
  }

  /**
   * Answers the queries of one sequence.
   *
   * @param q packed queries
   * @param o where results go, packed like the queries
   * @param place of the first query; the others follow
   * @param indices for each query, the index of its own key; ascending
   * @param keys the keys, from number {@code firstKey} on
   * @param values the values beside them
   * @param count how many keys there are, for attention that is not causal
   */
  public void answer(
      FloatBuffer q,
      FloatBuffer o,
      int place,
      int[] indices,
      FloatBuffer keys,
      FloatBuffer values,
      int firstKey,
      int count,
      BufferPool pool) {
    if (!causal) {
      ask(q, o, place, indices, 0, indices.length, keys, values, firstKey, count, pool);
      return;
    }
    int from = 0;
    while (from < indices.length) {
      int end = KeyValues.tileEnd(indices[from]);
      int to = from + 1;
      while (to < indices.length && indices[to] < end) {
        to++;
      }
      ask(q, o, place + from, indices, from, to, keys, values, firstKey, end, pool);
      from = to;
    }
  }

  /**
   * Returns what each key receives, averaged over heads and over the queries.
   *
   * @param count how many keys there are
   */
  public float[] received(
      FloatBuffer q,
      int place,
      int[] indices,
      FloatBuffer keys,
      int firstKey,
      int count,
      BufferPool pool) {
    if (received == null) {
      throw new AssertionError("nobody asked for what keys receive");
    }
    float[] sums = new float[count];
    if (indices.length == 0) {
      return sums;
    }
    try (Scope scope = new Scope(pool);
        Call call = received.call()) {
      FloatBuffer mask = scope.rows(indices.length, count);
      for (int i = 0; i < indices.length; i++) {
        hideBehind(causal ? indices[i] : count, mask, i * count, count);
      }
      FloatBuffer out = scope.rows(1, count);
      call.in("q", q, place * queryWidth, 1, indices.length, queryWidth)
          .in("k", keys, firstKey * keyValueWidth, 1, count, keyValueWidth)
          .in("mask", mask, 0, indices.length, count)
          .out("received", out, 0, count)
          .run();
      out.get(0, sums);
    }
    for (int i = 0; i < count; i++) {
      sums[i] /= heads * indices.length;
    }
    return sums;
  }

  private void ask(
      FloatBuffer q,
      FloatBuffer o,
      int place,
      int[] indices,
      int from,
      int to,
      FloatBuffer keys,
      FloatBuffer values,
      int firstKey,
      int count,
      BufferPool pool) {
    int queries = to - from;
    int asked = Math.max(2, queries);
    try (Scope scope = new Scope(pool);
        Call call = session.call()) {
      if (queries == 1) {
        FloatBuffer twice = scope.rows(2, queryWidth);
        twice.put(0, q, place * queryWidth, queryWidth);
        twice.put(queryWidth, q, place * queryWidth, queryWidth);
        call.in("q", twice, 0, 1, 2, queryWidth);
      } else {
        call.in("q", q, place * queryWidth, 1, queries, queryWidth);
      }
      call.in("k", keys, firstKey * keyValueWidth, 1, count, keyValueWidth);
      call.in("v", values, firstKey * keyValueWidth, 1, count, keyValueWidth);
      if (causal) {
        FloatBuffer mask = scope.rows(asked, count);
        for (int i = 0; i < asked; i++) {
          hideBehind(indices[Math.min(from + i, to - 1)], mask, i * count, count);
        }
        call.in("mask", mask, 0, asked, count);
      }
      if (queries == 1) {
        FloatBuffer twice = scope.rows(2, queryWidth);
        call.out("o", twice, 0, 1, 2, queryWidth).run();
        o.put(place * queryWidth, twice, 0, queryWidth);
      } else {
        call.out("o", o, place * queryWidth, 1, queries, queryWidth).run();
      }
    }
  }

  /** Writes 0 for the keys up to {@code index} and minus infinity for the others. */
  private void hideBehind(int index, FloatBuffer mask, int at, int count) {
    float[] steps = ramp;
    int half = steps.length / 2;
    if (half <= Math.max(index, count)) {
      half = Math.max(2 * Math.max(index, count), 4 * KeyValues.TILE);
      steps = new float[2 * half];
      Arrays.fill(steps, half, steps.length, Float.NEGATIVE_INFINITY);
      ramp = steps;
    }
    mask.put(at, steps, half - index - 1, count);
  }
}
