package anabranch.benchmarks.layer;

import java.util.Arrays;

/** Which rows each expert sees, expert by expert, as the plainest loop decides it. */
final class Picks {
  private final int[] counts;
  private final int[] rows;
  private final int[] slotOf;
  private final float[] weights;

  /**
   * Decides.
   *
   * @param logits of each row
   */
  Picks(Shape shape, float[] logits, int count) {
    int k = shape.k();
    int[][] chosen = new int[count][];
    counts = new int[shape.experts()];
    for (int row = 0; row < count; row++) {
      chosen[row] = shape.choose(logits, row * shape.experts());
      Arrays.stream(chosen[row]).forEach(e -> counts[e]++);
    }
    int[] next = new int[shape.experts()];
    for (int e = 1; e < next.length; e++) {
      next[e] = next[e - 1] + counts[e - 1];
    }
    rows = new int[count * k];
    slotOf = new int[count * k];
    weights = new float[count * k];
    for (int row = 0; row < count; row++) {
      float[] own = shape.weigh(logits, row * shape.experts(), chosen[row]);
      for (int i = 0; i < k; i++) {
        int slot = next[chosen[row][i]]++;
        rows[slot] = row;
        slotOf[row * k + i] = slot;
        weights[row * k + i] = own[i];
      }
    }
  }

  int size() {
    return rows.length;
  }

  int count(int expert) {
    return counts[expert];
  }

  int experts() {
    return counts.length;
  }

  /** Returns how many experts see any row. */
  int touched() {
    return (int) Arrays.stream(counts).filter(n -> n > 0).count();
  }

  /** Returns the row in a slot. */
  int row(int slot) {
    return rows[slot];
  }

  /** Returns the slot of a row's i-th choice, rows before choices. */
  int slotOf(int choice) {
    return slotOf[choice];
  }

  /** Returns the weight of a row's i-th choice, rows before choices. */
  float weight(int choice) {
    return weights[choice];
  }
}
