package anabranch.onnx.step;

import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.member.MemberCalls;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;

/**
 * The projections of one head, of which each row takes a few. Thread-safe.
 *
 * @param bank says which
 * @param experts map x to y
 */
record HeadExperts(Bank bank, MemberCalls experts) {
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
      Dispatch dispatch = new Dispatch(packing, asking, assignment, experts.count());
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
  FloatBuffer results(
      Dispatch dispatch, FloatBuffer from, int length, int at, BufferPool pool, Scope scope) {
    return experts.call(dispatch, from, length, at, pool, scope);
  }
}
