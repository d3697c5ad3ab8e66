package anabranch.onnx.head;

import anabranch.onnx.rows.Packing;
import anabranch.routing.GraphRanks;
import java.util.Arrays;

/** How much rows resemble the more important half of their span (rule X20). Stateless. */
final class Redundancy {
  private Redundancy() {}

  /**
   * Writes the scores of rows.
   *
   * @param width of a hidden vector
   * @param scored which rows, ascending
   */
  static void scores(int width, int[] scored, Reading reading, float[] into) {
    float[] ranks = reading.received();
    if (ranks == null) {
      throw new AssertionError("rows have no rank");
    }
    Packing packing = reading.packing();
    int at = 0;
    for (int span = 0; span < packing.spans.size(); span++) {
      int from = at;
      while (at < scored.length && scored[at] < packing.first[span + 1]) {
        at++;
      }
      if (at > from) {
        int[] live = live(packing, span);
        span(width, live, Arrays.copyOfRange(scored, from, at), ranks, reading, into);
      }
    }
  }

  private static int[] live(Packing packing, int span) {
    int[] live = new int[packing.liveOf(span)];
    int count = 0;
    for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
      if (packing.isLive(row)) {
        live[count++] = row;
      }
    }
    return live;
  }

  private static void span(
      int width, int[] live, int[] scored, float[] ranks, Reading reading, float[] into) {
    double[] importance = new double[live.length];
    for (int i = 0; i < live.length; i++) {
      importance[i] = ranks[live[i]];
    }
    boolean[] important = GraphRanks.important(importance);
    float[][] vectors = new float[live.length][];
    double[] lengths = new double[live.length];
    for (int i = 0; i < live.length; i++) {
      vectors[i] = vector(width, live[i], reading);
      lengths[i] = Math.sqrt(product(vectors[i], vectors[i]));
    }
    for (int row : scored) {
      int i = Arrays.binarySearch(live, row);
      double nearest = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < live.length && !important[i]; j++) {
        if (important[j]) {
          boolean zero = lengths[i] == 0 || lengths[j] == 0;
          double cosine = product(vectors[i], vectors[j]) / (lengths[i] * lengths[j]);
          nearest = Math.max(nearest, zero ? 0 : cosine);
        }
      }
      into[row] = (float) (important[i] ? 2 + importance[i] : -nearest);
    }
  }

  private static float[] vector(int width, int row, Reading reading) {
    float[][] shown = reading.shown();
    if (shown != null) {
      return shown[row];
    }
    float[] vector = new float[width];
    reading.rows().get(row * width, vector);
    return vector;
  }

  private static double product(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }
}
