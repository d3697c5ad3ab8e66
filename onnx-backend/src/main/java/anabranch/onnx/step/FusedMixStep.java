package anabranch.onnx.step;

import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import anabranch.onnx.graph.MemberGraphs;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A mixture whose experts are one graph: the host routes live rows, and says by logits which
 * experts each row sees and how they share in it; their sum is scaled on the host. Thread-safe.
 */
final class FusedMixStep implements LoadedStep {
  private final Step.Mix step;
  private final Bank bank;
  private final Session experts;
  private final float[] constant;
  private final @Nullable Session shared;
  private final int members;

  /**
   * Creates a step.
   *
   * @param experts maps x and logits to y
   * @param constant what is added to every row's sum; empty for nothing
   * @param shared what every row runs; null for nothing
   */
  FusedMixStep(
      Step.Mix step, Bank bank, Session experts, float[] constant, @Nullable Session shared) {
    this.step = step;
    this.bank = bank;
    this.experts = experts;
    this.constant = constant;
    this.shared = shared;
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
      FloatBuffer logits = scope.rows(packing.live, members);
      FloatBuffer results = scope.rows(packing.live, width);
      float[] sums = logits(dispatch, packing.live, logits);
      try (Call call = experts.call()) {
        call.in("x", read, 0, packing.live, width)
            .in("logits", logits, 0, packing.live, members)
            .out("y", results, 0, packing.live, width)
            .run();
      }
      scale(results, sums, into, width);
      FloatBuffer all = null;
      if (shared != null) {
        all = scope.rows(packing.live, width);
        try (Call call = shared.call()) {
          call.in("x", read, 0, packing.live, width).out("y", all, 0, packing.live, width).run();
        }
      }
      Sums.of(into, packing.live, width)
          .finish(constant, all, step.finish() == Step.Finish.ADDED ? run.x() : null);
    }
    if (!behind) {
      run.move();
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

  /** Multiplies each row; one that nobody sees becomes 0, whatever the operator made of it. */
  private static void scale(FloatBuffer results, float[] sums, FloatBuffer into, int width) {
    float[] vector = new float[width];
    for (int row = 0; row < sums.length; row++) {
      results.get(row * width, vector);
      for (int c = 0; c < width; c++) {
        vector[c] = sums[row] == 0 ? 0 : sums[row] * vector[c];
      }
      into.put(row * width, vector);
    }
  }
}
