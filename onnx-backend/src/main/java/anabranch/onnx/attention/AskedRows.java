package anabranch.onnx.attention;

import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.memory.Scope;
import java.nio.FloatBuffer;

/**
 * Some queries of one sequence as a core is asked: what heads ask that share keys stands as rows of
 * one head, those of a query one behind the other. The runtime brings keys into the form of its
 * products for each head that it is told of; so it does that once for all that share them. What
 * would be a single row is asked twice. Confined to one call.
 */
final class AskedRows {
  /** So many rows of a head pay for the form of its keys; more at once would only need room. */
  private static final int MOST = 256;

  private final CoreShape shape;
  private final FloatBuffer o;
  private final int into;

  /** How many rows there are. */
  final HeadRows asked;

  /** What is asked, from which number on. */
  final FloatBuffer q;

  final int at;

  /** Where what is read should be written, from which number on. */
  final FloatBuffer read;

  final int place;

  /**
   * Lays out queries.
   *
   * @param from the first
   * @param to behind the last; at most {@link #most} from it
   * @param o where results go, packed like the queries
   */
  AskedRows(CoreShape shape, Queries all, int from, int to, FloatBuffer o, Scope scope) {
    this.shape = shape;
    this.o = o;
    int first = all.place() + from;
    into = first * shape.resultWidth();
    int width = shape.queryWidth();
    boolean twice = (to - from) * shape.sharing() == 1;
    asked = new HeadRows(twice ? 2 : to - from, shape.sharing());
    if (!twice && !turned()) {
      q = all.q();
      at = first * width;
      read = o;
      place = into;
      return;
    }
    q = scope.rows(asked.queries(), width);
    at = 0;
    read = scope.rows(asked.queries(), shape.resultWidth());
    place = 0;
    if (twice) {
      q.put(0, all.q(), first * width, width);
      q.put(width, all.q(), first * width, width);
    } else {
      int groups = shape.groups();
      turn(all.q(), first * width, groups, shape.sharing(), shape.width(), q, 0);
    }
  }

  /** Returns how many of some queries should be asked at once. */
  static int most(CoreShape shape, int queries) {
    return shape.sharing() == 1 ? queries : Math.max(1, MOST / shape.sharing());
  }

  /** Returns whether heads that share keys do not stand behind each other as they should. */
  private boolean turned() {
    return shape.sharing() > 1 && shape.groups() > 1;
  }

  /** Brings what was read to where results go. */
  void back() {
    if (turned()) {
      turn(read, 0, shape.sharing(), shape.groups(), shape.result(), o, into);
    } else if (read != o) {
      o.put(into, read, 0, shape.resultWidth());
    }
  }

  /** Copies, for each query, outer x inner vectors to inner x outer. */
  private void turn(
      FloatBuffer from, int at, int outer, int inner, int width, FloatBuffer to, int place) {
    for (int query = 0; query < asked.queries(); query++) {
      int first = query * outer * inner;
      for (int i = 0; i < outer; i++) {
        for (int j = 0; j < inner; j++) {
          int source = at + (first + i * inner + j) * width;
          to.put(place + (first + j * outer + i) * width, from, source, width);
        }
      }
    }
  }
}
