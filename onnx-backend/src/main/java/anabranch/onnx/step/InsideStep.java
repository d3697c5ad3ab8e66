package anabranch.onnx.step;

import anabranch.backend.Trace;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Skip;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An operation of steps of its own, on all live rows or on those that a router lets pass.
 * Thread-safe.
 */
final class InsideStep implements LoadedStep {
  private final Step.Inside step;
  private final @Nullable Session lead;
  private final @Nullable Bank bank;
  private final List<LoadedStep> steps;
  private final boolean mixes;

  /**
   * Creates a step.
   *
   * @param lead makes what is read; null where that is x and there are no logits
   * @param bank says who passes; null where all live rows do
   * @param steps run on those
   */
  InsideStep(
      Step.Inside step, @Nullable Session lead, @Nullable Bank bank, List<LoadedStep> steps) {
    this.step = step;
    this.lead = lead;
    this.bank = bank;
    this.steps = List.copyOf(steps);
    this.mixes = step.operation().mixes();
  }

  @Override
  public void take(StageRun run) {
    int width = run.width;
    Packing packing = run.packing;
    boolean behind = step.finish() == Step.Finish.BEHIND;
    FloatBuffer into = behind ? run.newUpdate(width) : run.spare();
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer logits = lead(run, scope);
      FloatBuffer read = step.normed() ? run.normed() : run.x();
      Assignment assignment = decide(run, read, logits);
      Packing within = packing.within(roles(run, assignment));
      if (assignment != null) {
        trace(run, assignment, within.live);
      }
      FloatBuffer v = scope.rows(within.rows, width);
      within.gather(packing, read, v, width);
      FloatBuffer base = scope.rows(within.live, width);
      base.put(0, v, 0, within.live * width);
      FloatBuffer result =
          new StageRun(run.call, within, scope, run.visit(), run.member(), v).through(steps);
      combine(run, within, assignment, base, result, into);
    }
    if (!behind) {
      run.move();
    }
  }

  /** Makes what is read for live rows, and for the others where they show keys inside. */
  private @Nullable FloatBuffer lead(StageRun run, Scope scope) {
    int rows = mixes ? run.packing.rows : run.packing.live;
    if (lead == null || rows == 0) {
      return null;
    }
    FloatBuffer logits = null;
    try (Call call = lead.call()) {
      call.in("x", run.x(), 0, rows, run.width);
      if (step.normed()) {
        call.out("n", run.normed(), 0, rows, run.width);
      }
      if (step.logits() > 0) {
        logits = scope.rows(rows, step.logits());
        call.out("logits", logits, 0, rows, step.logits());
      }
      call.run();
    }
    return logits;
  }

  private @Nullable Assignment decide(
      StageRun run, FloatBuffer read, @Nullable FloatBuffer logits) {
    Skip skip = step.skip();
    if (bank == null || skip == null) {
      return null;
    }
    Packing packing = run.packing;
    int asking = Bank.asksEveryRow(skip) ? packing.rows : packing.live;
    return bank.decide(run, read, logits, asking);
  }

  private Role[] roles(StageRun run, @Nullable Assignment assignment) {
    Packing packing = run.packing;
    Role[] roles = new Role[packing.rows];
    Skip skip = step.skip();
    Bypass keys = skip == null ? Bypass.MASK : skip.keys();
    for (int span = 0; span < packing.spans.size(); span++) {
      boolean silent = keys == Bypass.MASK && jumps(run, span, assignment);
      for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
        if (!packing.isLive(row)) {
          roles[row] = mixes && !silent ? packing.role(row) : Role.ABSENT;
        } else if (passes(packing, row, assignment)) {
          roles[row] = Role.LIVE;
        } else {
          roles[row] = mixes ? shown(keys) : Role.ABSENT;
        }
      }
    }
    return roles;
  }

  private static Role shown(Bypass keys) {
    return switch (keys) {
      case FREEZE_PROJECT -> Role.PROJECTED;
      case FREEZE_SHARE_KV -> Role.SHARED;
      default -> Role.ABSENT;
    };
  }

  private static boolean passes(Packing packing, int row, @Nullable Assignment assignment) {
    return assignment == null || assignment.expert(packing.inBatch(row), 0) == 0;
  }

  /** Returns whether one decision takes a whole sequence around the operation. */
  private boolean jumps(StageRun run, int span, @Nullable Assignment assignment) {
    Packing packing = run.packing;
    Skip skip = step.skip();
    if (skip == null || assignment == null || !skip.router().source().ofSequence()) {
      return false;
    }
    for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
      if (packing.isLive(row) || Bank.asksEveryRow(skip)) {
        return !passes(packing, row, assignment);
      }
    }
    Float kept = bank == null ? null : bank.kept(run, span);
    return kept != null && kept.isNaN();
  }

  private void trace(StageRun run, Assignment assignment, int ran) {
    List<Trace.Choices> choices = run.call.choices();
    if (choices == null) {
      return;
    }
    int[] experts = assignment.experts();
    float[] gates = assignment.gates();
    Packing packing = run.packing;
    for (int row = 0; row < packing.rows; row++) {
      if (!packing.isLive(row)) {
        experts[packing.inBatch(row)] = -1;
        gates[packing.inBatch(row)] = 0;
      }
    }
    choices.add(
        new Trace.Choices(
            step.path(),
            run.visit(),
            assignment.k(),
            IntBuffer.wrap(experts),
            FloatBuffer.wrap(gates),
            IntBuffer.wrap(new int[] {ran})));
  }

  /** Writes {@code gate * result} for rows that ran and zero for the others, as it is finished. */
  private void combine(
      StageRun run,
      Packing within,
      @Nullable Assignment assignment,
      FloatBuffer base,
      FloatBuffer result,
      FloatBuffer into) {
    int width = run.width;
    Packing packing = run.packing;
    boolean added = step.finish() == Step.Finish.ADDED;
    float[] sum = new float[width];
    if (added) {
      into.put(0, run.x(), 0, packing.live * width);
    } else {
      for (int place = 0; place < packing.live; place++) {
        into.put(place * width, sum);
      }
    }
    for (int row = 0; row < within.rows; row++) {
      if (within.isLive(row)) {
        int from = within.place(row) * width;
        int to = packing.place(within.outer(row)) * width;
        float gate = assignment == null ? 1 : assignment.gate(within.inBatch(row), 0);
        into.get(to, sum);
        for (int c = 0; c < width; c++) {
          float own = result.get(from + c);
          float update = step.chain() ? own - base.get(from + c) : own;
          sum[c] = added ? sum[c] + gate * update : gate * update;
        }
        into.put(to, sum);
      }
    }
  }
}
