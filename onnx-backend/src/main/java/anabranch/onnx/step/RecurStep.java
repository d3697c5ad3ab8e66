package anabranch.onnx.step;

import anabranch.model.layer.Recurrence;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.Numbers;
import java.nio.FloatBuffer;

/** A recurrence up to its output projection. Thread-safe. */
final class RecurStep implements LoadedStep {
  private final Step.Recur step;
  private final Recurrence shape;
  private final Session in;
  private final Session project;
  private final Scan scan;

  RecurStep(Step.Recur step, Session in, Session project, Scan scan) {
    this.step = step;
    this.shape = step.recurrence();
    this.in = in;
    this.project = project;
    this.scan = scan;
  }

  @Override
  public void take(StageRun run) {
    Packing packing = run.packing;
    int rows = packing.projecting;
    int inner = shape.inner();
    FloatBuffer update = run.newUpdate(inner);
    if (rows == 0) {
      return;
    }
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer uz = scope.rows(rows, 2 * inner);
      try (Call call = in.call()) {
        call.in("x", run.x(), 0, rows, run.width).out("uz", uz, 0, rows, 2 * inner).run();
      }
      Layout.Entry entry = run.entry(step.path());
      float[][] kept = new float[packing.spans.size()][];
      FloatBuffer u = scope.rows(rows, inner);
      for (int span = 0; span < kept.length; span++) {
        float[] before = run.call.state(span).numbers(entry).current();
        kept[span] = before == null ? new float[shape.kept()] : before.clone();
        for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
          if (packing.role(row) != Role.SHARED) {
            scan.convolve(kept[span], uz, u, packing.place(row));
          }
        }
      }
      FloatBuffer dt = scope.rows(rows, inner);
      FloatBuffer bc = scope.rows(rows, 2 * shape.states());
      try (Call call = project.call()) {
        call.in("u", u, 0, rows, inner)
            .out("dt", dt, 0, rows, inner)
            .out("bc", bc, 0, rows, 2 * shape.states())
            .run();
      }
      for (int span = 0; span < kept.length; span++) {
        for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
          if (packing.role(row) != Role.SHARED) {
            int place = packing.place(row);
            scan.recur(kept[span], uz, u, dt, bc, place, packing.isLive(row), update);
          }
        }
        Numbers numbers = run.call.state(span).numbers(entry);
        numbers.write(kept[span]);
      }
    }
  }
}
