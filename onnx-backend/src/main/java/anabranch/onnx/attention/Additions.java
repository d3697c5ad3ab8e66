package anabranch.onnx.attention;

import anabranch.model.layer.Attention;
import anabranch.model.position.Distances;
import anabranch.onnx.state.KeyValues;
import anabranch.onnx.state.Keys;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What one attention adds to its scores before the softmax: minus infinity for keys that a query
 * may not read, numbers for distances and for keys of several rows, and a column for a sink behind
 * the keys. Thread-safe.
 */
public final class Additions {
  private final boolean causal;
  private final Attention.@Nullable Window window;
  private final int heads;
  private final @Nullable Distances distances;
  private final float @Nullable [] near;
  private final float @Nullable [] sinks;
  private volatile float[] ramp = new float[0];

  /**
   * Creates the additions of an attention.
   *
   * @param near for each bucket of distances, a number for each head; null for none
   * @param sinks a number for each head; null for none
   */
  public Additions(Attention attention, float @Nullable [] near, float @Nullable [] sinks) {
    this.near = near;
    this.sinks = sinks;
    this.heads = near != null || sinks != null ? attention.heads() : 1;
    Attention.Scores scores = attention.scores();
    this.distances = scores == null ? null : scores.distances();
    this.causal = attention.mask() == Attention.Mask.CAUSAL;
    this.window = attention.window();
  }

  /** Returns the tiles up to a key that a query at a position touches. */
  Tiles tiles(int position, Keys keys, int to) {
    if (window == null) {
      return Tiles.upTo(to);
    }
    int first = firstAfter(position - window.rows(), keys);
    return Tiles.of(Math.min(first, firstAfter(window.first() - 1, keys)), first, to);
  }

  /** Returns whether each head has numbers of its own. */
  boolean byHead() {
    return near != null || sinks != null;
  }

  /** Returns how many numbers stand behind each other for a query that reads some keys. */
  int columns(int count) {
    return sinks == null ? count : count + 1;
  }

  /** Returns how many numbers there are for queries that read some keys. */
  int size(HeadRows asked, int count) {
    return Math.multiplyExact(Math.multiplyExact(asked.queries(), rows(asked)), columns(count));
  }

  /** Returns how many rows of numbers there are for a query. */
  private int rows(HeadRows asked) {
    return byHead() ? heads : asked.sharing();
  }

  /**
   * Writes the numbers, row by row.
   *
   * @param from the first query
   * @param to behind the last
   * @param asked for how many there is room; the last is repeated
   * @param count how many keys they read
   */
  void write(
      FloatBuffer mask, Queries queries, int from, int to, HeadRows asked, Keys keys, int count) {
    int columns = columns(count);
    int rows = rows(asked);
    for (int i = 0; i < asked.queries(); i++) {
      int query = Math.min(from + i, to - 1);
      int last = causal ? queries.own()[query] : count;
      int position = queries.positions()[query];
      int first = window == null ? 0 : firstAfter(position - window.rows(), keys);
      int kept = window == null ? 0 : Math.min(first, firstAfter(window.first() - 1, keys));
      for (int head = 0; head < rows; head++) {
        int at = asked.row(head, i) * columns;
        hideBehind(last, mask, at, count);
        hideBetween(kept, first, mask, at);
        if (sinks != null) {
          mask.put(at + count, sinks[head]);
        }
      }
      for (int key = 0; near != null && key < Math.min(last + 1, keys.count()); key++) {
        if (key >= kept && key < first) {
          continue;
        }
        int bucket = bucket(keys.positions()[key] - position);
        for (int head = 0; head < rows; head++) {
          mask.put(asked.row(head, i) * columns + key, near[bucket * heads + head]);
        }
      }
      float[] added = keys.added();
      for (int key = 0; added != null && key < count; key++) {
        for (int head = 0; head < rows; head++) {
          int at = asked.row(head, i) * columns + key;
          mask.put(at, mask.get(at) + added[key]);
        }
      }
    }
  }

  private int bucket(int behind) {
    return distances == null ? 0 : distances.bucket(behind);
  }

  /** Returns the number of the first key behind a position, as far as the own key. */
  private static int firstAfter(int position, Keys keys) {
    int[] positions = keys.positions();
    int found = Arrays.binarySearch(positions, 0, keys.count(), position);
    return found < 0 ? -found - 1 : found + 1;
  }

  /** Writes 0 for the keys up to {@code index} and minus infinity for the others. */
  private void hideBehind(int index, FloatBuffer mask, int at, int count) {
    float[] steps = steps(Math.max(index, count));
    mask.put(at, steps, steps.length / 2 - index - 1, count);
  }

  /** Writes minus infinity for the keys of a range. */
  private void hideBetween(int from, int to, FloatBuffer mask, int at) {
    float[] steps = steps(to);
    mask.put(at + from, steps, steps.length / 2, to - from);
  }

  /** Returns more zeros than {@code length}, and as many times minus infinity behind them. */
  private float[] steps(int length) {
    float[] steps = ramp;
    int half = steps.length / 2;
    if (half <= length) {
      half = Math.max(2 * length, 4 * KeyValues.TILE);
      steps = new float[2 * half];
      Arrays.fill(steps, half, steps.length, Float.NEGATIVE_INFINITY);
      ramp = steps;
    }
    return steps;
  }
}
