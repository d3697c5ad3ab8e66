package anabranch.onnx.step;

import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.Numbers;
import java.nio.FloatBuffer;

/**
 * A linear memory up to its output projection. What is kept of a sequence is rounded to fp32 behind
 * every row, so that it does not matter how a sequence is cut into calls. Thread-safe.
 */
final class MemoryStep implements LoadedStep {
  private final Step.Remember step;
  private final Session in;
  private final int states;

  /** {@code [states, states]}. */
  private final float[] a;

  MemoryStep(Step.Remember step, Session in, float[] a) {
    this.step = step;
    this.in = in;
    this.a = a;
    states = step.memory().states();
  }

  @Override
  public void take(StageRun run) {
    Packing packing = run.packing;
    int rows = packing.projecting;
    int both = states + run.width;
    FloatBuffer update = run.newUpdate(both);
    if (rows == 0) {
      return;
    }
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer bn = scope.rows(rows, both);
      try (Call call = in.call()) {
        call.in("x", run.x(), 0, rows, run.width).out("bn", bn, 0, rows, both).run();
      }
      Layout.Entry entry = run.entry(step.path());
      for (int span = 0; span < packing.spans.size(); span++) {
        Numbers numbers = run.call.state(span).numbers(entry);
        float[] before = numbers.current();
        float[] kept = before == null ? new float[states] : before.clone();
        for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
          if (packing.role(row) != Role.SHARED) {
            int at = packing.place(row) * both;
            kept = next(kept, bn, at);
            if (packing.isLive(row)) {
              update.put(at, kept).put(at + states, bn, at + states, run.width);
            }
          }
        }
        numbers.write(kept);
      }
    }
  }

  private float[] next(float[] kept, FloatBuffer bn, int at) {
    float[] next = new float[states];
    for (int i = 0; i < states; i++) {
      double sum = bn.get(at + i);
      for (int j = 0; j < states; j++) {
        sum += (double) a[i * states + j] * kept[j];
      }
      next[i] = (float) sum;
    }
    return next;
  }
}
