package anabranch.onnx.step;

import anabranch.onnx.rows.Packing;
import anabranch.routing.Assignment;

/**
 * The rows of each expert, expert by expert: slot after slot, ascending experts, and ascending rows
 * within one. Rows are live ones, by place. Immutable once made.
 */
final class Dispatch {
  private final int[] first;
  private final int[] row;
  private final float[] gate;
  private final int[] firstOfRow;
  private final int[] slot;

  Dispatch(Packing packing, Assignment assignment, int experts) {
    first = new int[experts + 1];
    firstOfRow = new int[packing.live + 1];
    for (int r = 0; r < packing.rows; r++) {
      for (int i = 0; packing.isLive(r) && i < assignment.k(); i++) {
        int expert = assignment.expert(packing.inBatch(r), i);
        if (expert >= 0) {
          first[expert + 1]++;
          firstOfRow[packing.place(r) + 1]++;
        }
      }
    }
    for (int e = 0; e < experts; e++) {
      first[e + 1] += first[e];
    }
    for (int place = 0; place < packing.live; place++) {
      firstOfRow[place + 1] += firstOfRow[place];
    }
    row = new int[first[experts]];
    gate = new float[row.length];
    slot = new int[row.length];
    int[] next = first.clone();
    for (int r = 0; r < packing.rows; r++) {
      for (int i = 0; packing.isLive(r) && i < assignment.k(); i++) {
        int expert = assignment.expert(packing.inBatch(r), i);
        if (expert >= 0) {
          int at = next[expert]++;
          row[at] = packing.place(r);
          gate[at] = assignment.gate(packing.inBatch(r), i);
        }
      }
    }
    int[] filled = firstOfRow.clone();
    for (int at = 0; at < row.length; at++) {
      slot[filled[row[at]]++] = at;
    }
  }

  /** Returns the number of slots. */
  int size() {
    return row.length;
  }

  /** Returns the first slot of an expert; the number of slots for the one behind the last. */
  int first(int expert) {
    return first[expert];
  }

  /** Returns how many rows each expert has. */
  int[] counts() {
    int[] counts = new int[first.length - 1];
    for (int e = 0; e < counts.length; e++) {
      counts[e] = first[e + 1] - first[e];
    }
    return counts;
  }

  int row(int at) {
    return row[at];
  }

  float gate(int at) {
    return gate[at];
  }

  /** Returns how many experts a row has. */
  int experts(int liveRow) {
    return firstOfRow[liveRow + 1] - firstOfRow[liveRow];
  }

  /** Returns the i-th slot of a row, in ascending order of experts. */
  int slot(int liveRow, int i) {
    return slot[firstOfRow[liveRow] + i];
  }
}
