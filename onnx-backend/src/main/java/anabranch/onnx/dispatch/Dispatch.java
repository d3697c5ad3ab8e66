package anabranch.onnx.dispatch;

import anabranch.backend.Trace;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.rows.Packing;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;

/**
 * The rows of each expert, expert by expert: slot after slot, ascending experts, and ascending rows
 * within one. Rows are live ones, or those that are projected too, by place. Immutable once made.
 */
public final class Dispatch {
  private final int[] first;
  private final int[] row;
  private final float[] gate;
  private final int[] firstOfRow;
  private final int[] slot;

  public Dispatch(Packing packing, Assignment assignment, int experts) {
    this(packing, packing.live, assignment, experts);
  }

  /** Finds the rows among those whose place is below {@code asking}. */
  public Dispatch(Packing packing, int asking, Assignment assignment, int experts) {
    first = new int[experts + 1];
    firstOfRow = new int[asking + 1];
    for (int r = 0; r < packing.rows; r++) {
      for (int i = 0; packing.place(r) < asking && i < assignment.k(); i++) {
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
    for (int place = 0; place < asking; place++) {
      firstOfRow[place + 1] += firstOfRow[place];
    }
    row = new int[first[experts]];
    gate = new float[row.length];
    slot = new int[row.length];
    int[] next = first.clone();
    for (int r = 0; r < packing.rows; r++) {
      for (int i = 0; packing.place(r) < asking && i < assignment.k(); i++) {
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
  public int size() {
    return row.length;
  }

  /** Returns the first slot of an expert; the number of slots for the one behind the last. */
  public int first(int expert) {
    return first[expert];
  }

  /** Returns how many experts there are, with rows or without. */
  public int members() {
    return first.length - 1;
  }

  /** Returns the most rows that one of the experts from one on has. */
  public int most(int from) {
    int most = 0;
    for (int e = from; e + 1 < first.length; e++) {
      most = Math.max(most, count(e));
    }
    return most;
  }

  /** Returns how many of the first experts have any row. */
  public int busy(int experts) {
    int busy = 0;
    for (int e = 0; e < experts; e++) {
      busy += count(e) > 0 ? 1 : 0;
    }
    return busy;
  }

  /** Returns how many rows an expert has. */
  public int count(int expert) {
    return first[expert + 1] - first[expert];
  }

  /** Returns how many rows each expert has. */
  public int[] counts() {
    int[] counts = new int[first.length - 1];
    for (int e = 0; e < counts.length; e++) {
      counts[e] = count(e);
    }
    return counts;
  }

  public int row(int at) {
    return row[at];
  }

  /** Returns whether a slot is the last one of its row. */
  public boolean isLast(int at) {
    return slot[firstOfRow[row[at] + 1] - 1] == at;
  }

  public float gate(int at) {
    return gate[at];
  }

  /** Returns how many rows there are. */
  public int rows() {
    return firstOfRow.length - 1;
  }

  /** Returns how many experts a row has. */
  public int experts(int liveRow) {
    return firstOfRow[liveRow + 1] - firstOfRow[liveRow];
  }

  /** Returns the i-th slot of a row, in ascending order of experts. */
  public int slot(int liveRow, int i) {
    return slot[firstOfRow[liveRow] + i];
  }

  /** Says what was chosen, where the call is traced. */
  public void trace(StageRun run, String path, Assignment assignment) {
    List<Trace.Choices> choices = run.call.choices();
    if (choices != null) {
      choices.add(
          new Trace.Choices(
              path,
              run.visit(),
              assignment.k(),
              IntBuffer.wrap(assignment.experts()),
              FloatBuffer.wrap(assignment.gates()),
              IntBuffer.wrap(counts())));
    }
  }
}
