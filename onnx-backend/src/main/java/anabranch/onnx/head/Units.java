package anabranch.onnx.head;

import anabranch.backend.Rows;
import anabranch.model.plan.Head;
import anabranch.onnx.rows.Packing;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * The units of a batch at a point, and the vectors that stand for them: rows, or spans. Immutable.
 */
final class Units {
  private final Packing packing;
  private final Head.Pool pool;
  private final int width;
  private final int most;

  /**
   * Names the units.
   *
   * @param packing all rows of the batch
   * @param width of a hidden vector
   * @param most how many rows a span must have where all of them are read
   */
  Units(Packing packing, Head.Pool pool, int width, int most) {
    this.packing = packing;
    this.pool = pool;
    this.width = width;
    this.most = most;
  }

  /** Returns how many there are. */
  int count() {
    return pool.ofItem() ? packing.spans.size() : packing.rows;
  }

  /** Returns the length of the vector of one. */
  int length() {
    return pool == Head.Pool.FLATTEN ? Math.multiplyExact(width, most) : width;
  }

  /** Returns the scored ones, ascending. */
  int[] scored() {
    int[] units = new int[count()];
    int count = 0;
    for (int s = 0; s < packing.spans.size(); s++) {
      Rows span = packing.spans.get(s).rows();
      for (int i = 0; i < span.size(); i++) {
        if (span.scored(i) && !span.frozen(i)) {
          units[count++] = pool.ofItem() ? s : packing.first[s] + i;
          if (pool.ofItem()) {
            break;
          }
        }
      }
    }
    return Arrays.copyOf(units, count);
  }

  /** Writes the vector of a unit; {@code rows} are in batch order. */
  void vector(int unit, FloatBuffer rows, FloatBuffer into, int at) {
    if (!pool.ofItem()) {
      into.put(at, rows, unit * width, width);
      return;
    }
    int first = packing.first[unit];
    int last = packing.first[unit + 1] - 1;
    while (first < last && !packing.isLive(first)) {
      first++;
    }
    while (last > first && !packing.isLive(last)) {
      last--;
    }
    switch (pool) {
      case FIRST -> into.put(at, rows, first * width, width);
      case LAST -> into.put(at, rows, last * width, width);
      case FLATTEN -> flatten(unit, rows, into, at);
      default -> into.put(at, mean(rows, first, last));
    }
  }

  private void flatten(int unit, FloatBuffer rows, FloatBuffer into, int at) {
    int live = packing.liveOf(unit);
    if (live != most || packing.size(unit) != most) {
      throw new IllegalArgumentException(
          "an item has " + live + " live rows, but a head with pool FLATTEN reads " + most);
    }
    into.put(at, rows, packing.first[unit] * width, most * width);
  }

  private float[] mean(FloatBuffer rows, int first, int last) {
    double[] sum = new double[width];
    float[] vector = new float[width];
    int count = 0;
    for (int row = first; row <= last; row++) {
      if (packing.isLive(row)) {
        rows.get(row * width, vector);
        for (int c = 0; c < width; c++) {
          sum[c] += vector[c];
        }
        count++;
      }
    }
    for (int c = 0; c < width; c++) {
      vector[c] = (float) (sum[c] / count);
    }
    return vector;
  }
}
