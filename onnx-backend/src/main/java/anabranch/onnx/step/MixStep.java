package anabranch.onnx.step;

import anabranch.model.layer.Mixture;
import anabranch.model.route.Placement;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
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
 * A mixture, or the factor of a modulation: routes live rows, runs each expert on its rows, adds
 * the results up. Thread-safe.
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
      FloatBuffer gathered = scope.rows(dispatch.size(), width);
      FloatBuffer results = scope.rows(dispatch.size(), width);
      gather(dispatch, read, gathered, width);
      for (int e = 0; e < members; e++) {
        int first = dispatch.first(e);
        int count = dispatch.first(e + 1) - first;
        if (count > 0) {
          member(e, gathered, results, first, count, width);
        }
      }
      FloatBuffer all = null;
      if (shared != null) {
        all = scope.rows(packing.live, width);
        try (Call call = shared.call()) {
          call.in("x", read, 0, packing.live, width).out("y", all, 0, packing.live, width).run();
        }
      }
      FloatBuffer residual = step.finish() == Step.Finish.ADDED ? run.x() : null;
      dispatch.sum(results, !scaled, constant, all, residual, into, width);
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
  private void member(
      int e, FloatBuffer gathered, FloatBuffer results, int first, int count, int width) {
    int session = e;
    if (step.bank() instanceof Mixture mixture
        && mixture.specials() != null
        && e >= mixture.experts()) {
      Mixture.Specials specials = mixture.specials();
      int constant = e - mixture.experts() - specials.zeros() - specials.identities();
      if (constant < -specials.identities()) {
        for (int i = first * width; i < (first + count) * width; i++) {
          results.put(i, 0);
        }
        return;
      } else if (constant < 0) {
        results.put(first * width, gathered, first * width, count * width);
        return;
      }
      session = mixture.experts() + constant;
    }
    try (Call call = experts.get(session).call()) {
      call.in("x", gathered, first * width, count, width)
          .out("y", results, first * width, count, width)
          .run();
    }
  }

  private void gather(Dispatch dispatch, FloatBuffer read, FloatBuffer into, int width) {
    float[] vector = new float[scaled ? width : 0];
    for (int slot = 0; slot < dispatch.size(); slot++) {
      int from = dispatch.row(slot) * width;
      if (scaled) {
        read.get(from, vector);
        float gate = dispatch.gate(slot);
        for (int c = 0; c < width; c++) {
          vector[c] *= gate;
        }
        into.put(slot * width, vector);
      } else {
        into.put(slot * width, read, from, width);
      }
    }
  }
}
