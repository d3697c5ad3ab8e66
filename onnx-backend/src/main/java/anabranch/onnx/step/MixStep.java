package anabranch.onnx.step;

import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import anabranch.onnx.graph.Step;
import anabranch.onnx.member.Members;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A mixture, or the factor of a modulation: routes live rows, has its members add up what they make
 * of theirs, and adds what every row gets. Thread-safe.
 */
final class MixStep implements LoadedStep {
  private final Step.Mix step;
  private final Bank bank;
  private final Members members;
  private final float[] constant;
  private final @Nullable Session shared;

  /**
   * Creates a step.
   *
   * @param constant what is added to every row's sum; empty for nothing
   * @param shared what every row runs; null for nothing
   */
  MixStep(Step.Mix step, Bank bank, Members members, float[] constant, @Nullable Session shared) {
    this.step = step;
    this.bank = bank;
    this.members = members;
    this.constant = constant;
    this.shared = shared;
  }

  @Override
  public void take(StageRun run) {
    Packing packing = run.packing;
    FloatBuffer read = step.normed() ? run.normed() : run.x();
    Assignment assignment = bank.decide(run, read, run.logits(), packing.live);
    Dispatch dispatch = new Dispatch(packing, assignment, step.bank().members());
    dispatch.trace(run, step.path(), assignment);
    if (packing.live == 0) {
      return;
    }
    int width = run.width;
    boolean behind = step.finish() == Step.Finish.BEHIND;
    boolean added = step.finish() == Step.Finish.ADDED;
    // Sums take the place of what they are added to, unless members have yet to read it.
    boolean moves = !behind && !(added && step.normed());
    FloatBuffer into = behind ? run.newUpdate(width) : moves ? run.spare() : run.x();
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer all = null;
      if (shared != null) {
        all = scope.rows(packing.live, width);
        try (Call call = shared.call()) {
          call.in("x", read, 0, packing.live, width).out("y", all, 0, packing.live, width).run();
        }
      }
      FloatBuffer from = added ? run.x() : null;
      Sums sums = new Sums(into, from, packing.live, width, new Sums.Rest(constant, all));
      members.add(run, dispatch, read, sums);
      sums.end();
    }
    if (step.finish() == Step.Finish.FACTOR) {
      for (int i = 0; i < packing.live * width; i++) {
        into.put(i, into.get(i) * read.get(i));
      }
    }
    if (moves) {
      run.move();
    }
  }
}
