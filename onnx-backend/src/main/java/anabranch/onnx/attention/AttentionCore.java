package anabranch.onnx.attention;

import anabranch.model.plan.GraphRank;
import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.memory.Touch;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.KeyValues;
import anabranch.onnx.state.Keys;
import anabranch.routing.GraphRanks;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The core of one shape of attention, run for one sequence at a time.
 *
 * <p>A row's bits must not depend on the rows that are asked beside it, nor on how many keys follow
 * it. Products have that property from two query rows on, so a single query is asked twice, unless
 * several heads ask the same keys and are rows of one; and a causal query reads the keys of its own
 * tile and of those before it that its window reaches, to their ends and no others, so that the
 * shape of its softmax depends on its place alone. Thread-safe.
 */
public final class AttentionCore {
  /** How many numbers stay in a near cache that were read just now. */
  private static final int NEAR = 1 << 17;

  private final Session session;
  private final @Nullable Session received;
  private final @Nullable Session given;
  private final CoreShape shape;

  /** Of no meaning: what is read and never used would not be read. */
  private int touched;

  /**
   * Creates a core.
   *
   * @param session of the core's graph
   * @param received of the graph of what keys receive; null where nobody asks
   * @param given of the graph of what queries give; null where nobody asks
   */
  public AttentionCore(
      CoreShape shape, Session session, @Nullable Session received, @Nullable Session given) {
    this.session = session;
    this.received = received;
    this.given = given;
    this.shape = shape;
  }

  /** Returns what the core was made for. */
  public CoreShape shape() {
    return shape;
  }

  /**
   * Answers the queries of one sequence.
   *
   * @param o where results go, packed like the queries
   */
  public void answer(
      Queries queries, Keys keys, Additions additions, FloatBuffer o, BufferPool pool) {
    if (!shape.causal()) {
      ask(queries, keys, keys.count(), additions, o, pool);
      return;
    }
    int[] own = queries.own();
    int from = 0;
    while (from < own.length) {
      Tiles tiles = tiles(queries, from, keys, additions);
      int to = from + 1;
      while (to < own.length && tiles(queries, to, keys, additions).equals(tiles)) {
        to++;
      }
      try (Scope scope = new Scope(pool)) {
        Keys read = tiles.of(keys, shape.keyWidth(), shape.valueWidth(), scope);
        Queries some = queries.among(tiles, from, to);
        ask(some, read, tiles.count(), additions, o, pool);
      }
      from = to;
    }
  }

  private static Tiles tiles(Queries queries, int query, Keys keys, Additions additions) {
    int end = KeyValues.tileEnd(queries.own()[query]);
    return additions.tiles(queries.positions()[query], keys, end);
  }

  /**
   * Returns the tiles that any of the queries touches, to the last key and not to its tile's end.
   */
  private static Tiles all(Queries queries, Keys keys, Additions additions) {
    return additions.tiles(queries.positions()[0], keys, keys.count());
  }

  /** Returns what each key receives, averaged over heads and over the queries. */
  public float[] received(Queries queries, Keys keys, Additions additions, BufferPool pool) {
    if (received == null) {
      throw new AssertionError("nobody asked for what keys receive");
    }
    float[] all = new float[keys.count()];
    int asked = queries.count();
    if (asked == 0) {
      return all;
    }
    Tiles tiles = all(queries, keys, additions);
    float[] sums = new float[tiles.count()];
    try (Scope scope = new Scope(pool);
        Call call = received.call()) {
      Keys read = tiles.of(keys, shape.keyWidth(), shape.valueWidth(), scope);
      int columns = additions.columns(read.count());
      FloatBuffer out = scope.rows(1, columns);
      in(call, queries.among(tiles, 0, asked), read, additions, scope)
          .out("received", out, 0, columns)
          .run();
      out.get(0, sums);
    }
    for (int key = 0; key < all.length; key++) {
      int place = tiles.place(key);
      all[key] = place < 0 ? 0 : sums[place] / (shape.heads() * asked);
    }
    return all;
  }

  /**
   * Returns how important each query's row is in the graph that the queries draw.
   *
   * @param own for each query, the number of its own key among those that are read
   */
  public double[] ranks(
      GraphRank how, Queries queries, int[] own, Keys keys, Additions additions, BufferPool pool) {
    if (given == null) {
      throw new AssertionError("nobody asked for what queries give");
    }
    int asked = queries.count();
    if (asked == 0) {
      return new double[0];
    }
    try (Scope scope = new Scope(pool);
        Call call = given.call()) {
      Tiles tiles = all(queries, keys, additions);
      Keys read = tiles.of(keys, shape.keyWidth(), shape.valueWidth(), scope);
      int columns = additions.columns(read.count());
      int groups = shape.groups();
      int heads = shape.heads();
      FloatBuffer out = scope.rows(Math.multiplyExact(heads, asked), columns);
      in(call, queries.among(tiles, 0, asked), read, additions, scope)
          .out("given", out, 0, groups, heads / groups, asked, columns)
          .run();
      return GraphRanks.of(how, out, heads, columns, tiles.places(own));
    }
  }

  /** Hands all queries, keys and additions of one sequence to a call. */
  private Call in(Call call, Queries queries, Keys keys, Additions additions, Scope scope) {
    int count = keys.count();
    int asked = queries.count();
    HeadRows rows = new HeadRows(asked, 1);
    FloatBuffer mask = scope.rows(1, additions.size(rows, count));
    additions.write(mask, queries, 0, asked, rows, keys, count);
    int queryWidth = shape.queryWidth();
    int keyWidth = shape.keyWidth();
    int groups = shape.groups();
    call.in("q", queries.q(), queries.place() * queryWidth, 1, asked, queryWidth)
        .in("k", keys.keys(), keys.first() * keyWidth, 1, count, keyWidth);
    int columns = additions.columns(count);
    return additions.byHead()
        ? call.in("mask", mask, 0, groups, shape.heads() / groups, asked, columns)
        : call.in("mask", mask, 0, asked, columns);
  }

  private void ask(
      Queries queries, Keys keys, int count, Additions additions, FloatBuffer o, BufferPool pool) {
    int most = AskedRows.most(shape, queries.count());
    for (int from = 0; from < queries.count(); from += most) {
      int to = Math.min(queries.count(), from + most);
      try (Scope scope = new Scope(pool);
          Call call = session.call()) {
        AskedRows rows = new AskedRows(shape, queries, from, to, o, scope);
        int asked = rows.asked.count();
        if (to - from == 1) {
          touch(keys, count);
        }
        int keyWidth = shape.keyWidth();
        call.in("q", rows.q, rows.at, 1, asked, keyWidth)
            .in("k", keys.keys(), keys.first() * keyWidth, 1, count, keyWidth);
        int valueWidth = shape.valueWidth();
        if (valueWidth > 0) {
          call.in("v", keys.values(), keys.first() * valueWidth, 1, count, valueWidth);
        }
        if (shape.masked()) {
          FloatBuffer mask = scope.rows(1, additions.size(rows.asked, count));
          additions.write(mask, queries, from, to, rows.asked, keys, count);
          if (additions.byHead()) {
            int columns = additions.columns(count);
            call.in("mask", mask, 0, 1, shape.groups(), asked, columns);
          } else {
            call.in("mask", mask, 0, asked, count);
          }
        }
        call.out("o", rows.read, rows.place, 1, asked, shape.groups() * shape.result()).run();
        rows.back();
      }
    }
  }

  /**
   * Reads keys and values from front to back, where they stay near then. Those of a single query
   * have left the near caches since the row before, and products read them head by head, in pieces
   * so short that each waits for memory.
   */
  private void touch(Keys keys, int count) {
    int keyWidth = shape.keyWidth();
    int valueWidth = shape.valueWidth();
    if ((long) count * (keyWidth + valueWidth) <= NEAR) {
      touched =
          Touch.of(keys.keys(), keys.first() * keyWidth, count * keyWidth)
              ^ Touch.of(keys.values(), keys.first() * valueWidth, count * valueWidth);
    }
  }
}
