package anabranch.onnx.step;

import anabranch.model.layer.Mixture;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.graph.Step;
import anabranch.onnx.member.MemberCalls;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;

/**
 * A sliced network up to where slices are fused: routes live rows, makes each slice for its rows,
 * and leaves them weighed and scaled, one behind the other. Thread-safe.
 */
final class SlicedStep implements LoadedStep {
  private final Step.Sliced step;
  private final Mixture.Sliced sliced;
  private final Bank bank;
  private final MemberCalls slices;

  SlicedStep(Step.Sliced step, Bank bank, MemberCalls slices) {
    this.step = step;
    this.sliced = step.sliced();
    this.bank = bank;
    this.slices = slices;
  }

  @Override
  public void take(StageRun run) {
    Packing packing = run.packing;
    FloatBuffer read = step.normed() ? run.normed() : run.x();
    Assignment assignment = bank.decide(run, read, run.logits(), packing.live);
    Dispatch dispatch = new Dispatch(packing, assignment, sliced.slices());
    dispatch.trace(run, step.path(), assignment);
    FloatBuffer into = run.newUpdate(sliced.inner());
    for (int i = 0; i < packing.live * sliced.inner(); i++) {
      into.put(i, 0);
    }
    try (Scope scope = new Scope(run.call.pool)) {
      place(dispatch, slices.call(dispatch, read, run.width, 0, run.call.pool, scope), into);
    }
  }

  /** Puts what was made for each slot where its slice begins. */
  private void place(Dispatch dispatch, FloatBuffer made, FloatBuffer into) {
    int length = sliced.length();
    for (int slice = 0; slice < sliced.slices(); slice++) {
      for (int slot = dispatch.first(slice); slot < dispatch.first(slice + 1); slot++) {
        int row = dispatch.row(slot);
        float weight = (float) (factor(dispatch, row) * dispatch.gate(slot));
        int to = row * sliced.inner() + slice * length;
        for (int i = 0; i < length; i++) {
          into.put(to + i, weight * made.get(slot * length + i));
        }
      }
    }
  }

  private double factor(Dispatch dispatch, int row) {
    if (sliced.scaling() == Mixture.Sliced.Scaling.NONE) {
      return 1;
    }
    double sum = 0;
    for (int i = 0; i < dispatch.experts(row); i++) {
      sum += dispatch.gate(dispatch.slot(row, i));
    }
    return sliced.slices() * sum;
  }
}
