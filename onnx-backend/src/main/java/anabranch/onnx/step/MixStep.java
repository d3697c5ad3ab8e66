package anabranch.onnx.step;

import anabranch.model.layer.Mixture;
import anabranch.model.route.Placement;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A mixture, or the factor of a modulation: routes live rows, and expert by expert gathers its
 * rows, runs it and adds what it made to the sums, so that only the rows of one expert are on their
 * way and stay in a near cache. Thread-safe.
 */
final class MixStep implements LoadedStep {
  private final Step.Mix step;
  private final Bank bank;
  private final List<Session> experts;
  private final float[] constant;
  private final @Nullable Session shared;
  private final boolean scaled;
  private final int members;

  /**
   * Creates a step.
   *
   * @param experts those of the experts, then those of constants
   * @param constant what is added to every row's sum; empty for nothing
   * @param shared what every row runs; null for nothing
   */
  MixStep(
      Step.Mix step, Bank bank, List<Session> experts, float[] constant, @Nullable Session shared) {
    this.step = step;
    this.bank = bank;
    this.experts = List.copyOf(experts);
    this.constant = constant;
    this.shared = shared;
    this.scaled = bank.router().placement() == Placement.INPUT;
    this.members = step.bank().members();
  }

  @Override
  public void take(StageRun run) {
    Packing packing = run.packing;
    FloatBuffer read = step.normed() ? run.normed() : run.x();
    Assignment assignment = bank.decide(run, read, run.logits(), packing.live);
    Dispatch dispatch = new Dispatch(packing, assignment, members);
    dispatch.trace(run, step.path(), assignment);
    if (packing.live == 0) {
      return;
    }
    int width = run.width;
    boolean behind = step.finish() == Step.Finish.BEHIND;
    FloatBuffer into = behind ? run.newUpdate(width) : run.spare();
    try (Scope scope = new Scope(run.call.pool)) {
      Sums sums = new Sums(into, packing.live, width);
      FloatBuffer gathered = scope.rows(dispatch.most(), width);
      FloatBuffer results = scope.rows(dispatch.most(), width);
      for (int e = 0; e < members; e++) {
        int first = dispatch.first(e);
        int count = dispatch.first(e + 1) - first;
        if (count > 0) {
          gather(dispatch, first, count, read, gathered, width);
          member(e, gathered, results, count, width);
          sums.add(dispatch, first, count, results, !scaled);
        }
      }
      FloatBuffer all = null;
      if (shared != null) {
        all = scope.rows(packing.live, width);
        try (Call call = shared.call()) {
          call.in("x", read, 0, packing.live, width).out("y", all, 0, packing.live, width).run();
        }
      }
      sums.finish(constant, all, step.finish() == Step.Finish.ADDED ? run.x() : null);
    }
    if (step.finish() == Step.Finish.FACTOR) {
      for (int i = 0; i < packing.live * width; i++) {
        into.put(i, into.get(i) * read.get(i));
      }
    }
    if (!behind) {
      run.move();
    }
  }

  /** Runs a member on its rows: an expert, or one of the specials behind them. */
  private void member(int e, FloatBuffer gathered, FloatBuffer results, int count, int width) {
    int session = e;
    if (step.bank() instanceof Mixture mixture
        && mixture.specials() != null
        && e >= mixture.experts()) {
      Mixture.Specials specials = mixture.specials();
      int constant = e - mixture.experts() - specials.zeros() - specials.identities();
      if (constant < -specials.identities()) {
        for (int i = 0; i < count * width; i++) {
          results.put(i, 0);
        }
        return;
      } else if (constant < 0) {
        results.put(0, gathered, 0, count * width);
        return;
      }
      session = mixture.experts() + constant;
    }
    try (Call call = experts.get(session).call()) {
      call.in("x", gathered, 0, count, width).out("y", results, 0, count, width).run();
    }
  }

  private void gather(
      Dispatch dispatch, int first, int count, FloatBuffer read, FloatBuffer into, int width) {
    float[] vector = new float[scaled ? width : 0];
    for (int i = 0; i < count; i++) {
      int from = dispatch.row(first + i) * width;
      if (scaled) {
        read.get(from, vector);
        float gate = dispatch.gate(first + i);
        for (int c = 0; c < width; c++) {
          vector[c] *= gate;
        }
        into.put(i * width, vector);
      } else {
        into.put(i * width, read, from, width);
      }
    }
  }
}
