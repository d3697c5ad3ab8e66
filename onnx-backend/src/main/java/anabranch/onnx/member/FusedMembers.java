package anabranch.onnx.member;

import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * All members as one operator: it is told by logits which of them each row sees and how they share
 * in it; their sum is scaled on the host. Thread-safe.
 */
public final class FusedMembers implements Members {
  private final int members;
  private final Session experts;

  /**
   * Takes a session.
   *
   * @param members how many there are
   * @param experts maps x and logits to y
   */
  public FusedMembers(int members, Session experts) {
    this.members = members;
    this.experts = experts;
  }

  @Override
  public void add(StageRun run, Dispatch dispatch, FloatBuffer read, Sums sums) {
    int rows = dispatch.rows();
    int width = run.width;
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer logits = scope.rows(rows, members);
      FloatBuffer results = scope.rows(rows, width);
      float[] shared = logits(dispatch, rows, logits);
      try (Call call = experts.call()) {
        call.in("x", read, 0, rows, width)
            .in("logits", logits, 0, rows, members)
            .out("y", results, 0, rows, width)
            .run();
      }
      for (int row = 0; row < rows; row++) {
        // A row that nobody sees stays 0, whatever the operator made of it.
        if (shared[row] != 0) {
          sums.add(row, results, row, shared[row], true);
        }
      }
    }
  }

  /** Writes logits whose softmax shares out each row as its gates do; returns their sums. */
  private float[] logits(Dispatch dispatch, int rows, FloatBuffer into) {
    float[] all = new float[rows * members];
    float[] sums = new float[rows];
    Arrays.fill(all, MemberGraphs.NEVER);
    for (int e = 0; e < members; e++) {
      for (int at = dispatch.first(e); at < dispatch.first(e + 1); at++) {
        float gate = dispatch.gate(at);
        if (gate > 0) {
          sums[dispatch.row(at)] += gate;
          all[dispatch.row(at) * members + e] = (float) Math.log(gate);
        }
      }
    }
    into.put(0, all);
    return sums;
  }
}
