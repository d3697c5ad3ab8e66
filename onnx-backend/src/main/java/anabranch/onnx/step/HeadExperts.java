package anabranch.onnx.step;

import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * The projections of one head, of which each row takes a few. Thread-safe.
 *
 * @param bank says which
 * @param experts map x to y
 * @param in the length of x
 * @param out the length of y
 */
record HeadExperts(Bank bank, List<Session> experts, int in, int out) {
  /** Copies the list. */
  HeadExperts {
    experts = List.copyOf(experts);
  }

  /**
   * Picks experts for the rows whose place is below {@code asking}, and says so where the call is
   * traced.
   *
   * @param logits by place, those of several heads one behind the other
   * @param length of all of them
   * @param at where those of this head begin
   */
  Dispatch route(
      StageRun run, int asking, FloatBuffer read, FloatBuffer logits, int length, int at) {
    Packing packing = run.packing;
    int count = bank.logits();
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer own = scope.rows(asking, count);
      int next = 0;
      for (int row = 0; row < packing.rows; row++) {
        if (packing.place(row) < asking) {
          own.put(next, logits, packing.place(row) * length + at, count);
          next += count;
        }
      }
      Assignment assignment = bank.decide(run, read, own, asking);
      Dispatch dispatch = new Dispatch(packing, asking, assignment, experts.size());
      dispatch.trace(run, bank.path(), assignment);
      return dispatch;
    }
  }

  /**
   * Returns what the experts make of their rows, by slot.
   *
   * @param from vectors by place
   * @param length of each of them
   * @param at where x begins in each
   */
  FloatBuffer results(Dispatch dispatch, FloatBuffer from, int length, int at, Scope scope) {
    FloatBuffer x = scope.rows(dispatch.size(), in);
    for (int slot = 0; slot < dispatch.size(); slot++) {
      x.put(slot * in, from, dispatch.row(slot) * length + at, in);
    }
    FloatBuffer y = scope.rows(dispatch.size(), out);
    for (int e = 0; e < experts.size(); e++) {
      int first = dispatch.first(e);
      int count = dispatch.first(e + 1) - first;
      if (count > 0) {
        try (Call call = experts.get(e).call()) {
          call.in("x", x, first * in, count, in).out("y", y, first * out, count, out).run();
        }
      }
    }
    return y;
  }
}
