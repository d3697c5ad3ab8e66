package anabranch.onnx.run;

import anabranch.routing.Assignment;

/**
 * The rows of each expert, expert by expert: slot after slot, ascending experts, and ascending rows
 * within one. Rows are counted among the live ones. Immutable once made.
 */
final class Dispatch {
  private final int rows;
  private final int k;
  private final int[] first;
  private final int[] row;
  private final float[] gate;
  private final int[] slot;

  Dispatch(Packing packing, Assignment assignment, int experts) {
    rows = packing.live;
    k = assignment.k();
    first = new int[experts + 1];
    row = new int[rows * k];
    gate = new float[rows * k];
    slot = new int[rows * k];
    for (int r = 0; r < packing.rows; r++) {
      for (int i = 0; packing.isLive[r] && i < k; i++) {
        first[assignment.expert(r, i) + 1]++;
      }
    }
    for (int e = 0; e < experts; e++) {
      first[e + 1] += first[e];
    }
    int[] next = first.clone();
    int[] filled = new int[rows];
    for (int r = 0; r < packing.rows; r++) {
      for (int i = 0; packing.isLive[r] && i < k; i++) {
        int at = next[assignment.expert(r, i)]++;
        row[at] = packing.place[r];
        gate[at] = assignment.gate(r, i);
      }
    }
    for (int at = 0; at < row.length; at++) {
      slot[row[at] * k + filled[row[at]]++] = at;
    }
  }

  int rows() {
    return rows;
  }

  int k() {
    return k;
  }

  int size() {
    return row.length;
  }

  /** Returns the first slot of an expert; the number of slots for the one behind the last. */
  int first(int expert) {
    return first[expert];
  }

  int row(int at) {
    return row[at];
  }

  float gate(int at) {
    return gate[at];
  }

  /** Returns the i-th slot of a row, in ascending order of experts. */
  int slot(int liveRow, int i) {
    return slot[liveRow * k + i];
  }
}
