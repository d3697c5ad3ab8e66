package anabranch.onnx.step;

import anabranch.model.layer.Recurrence;
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

  /**
   * The host's part of a recurrence, one row after the other. What is kept of a sequence are the
   * last inputs of the convolution, oldest first, then the states, channel by channel; both are
   * rounded to fp32 behind every row, so that it does not matter how a sequence is cut into calls.
   * Thread-safe.
   */
  static final class Scan {
    private final Recurrence shape;
    private final float[] weight;
    private final float[] bias;
    private final double[] a;
    private final float[] d;

    /**
     * Creates a scan.
     *
     * @param weight of the convolution, inner x convolution
     * @param bias of the convolution
     * @param a the logarithm of the decay, inner x states
     * @param d the weight of the input in the result
     */
    Scan(Recurrence shape, float[] weight, float[] bias, float[] a, float[] d) {
      this.shape = shape;
      this.weight = weight;
      this.bias = bias;
      this.d = d;
      this.a = new double[a.length];
      for (int i = 0; i < a.length; i++) {
        this.a[i] = -Math.exp(a[i]);
      }
    }

    /** Convolves the row at a place and keeps its input. */
    void convolve(float[] kept, FloatBuffer uz, FloatBuffer u, int place) {
      int inner = shape.inner();
      int taps = shape.convolution();
      for (int c = 0; c < inner; c++) {
        float own = uz.get(place * 2 * inner + c);
        double sum = bias[c] + (double) weight[c * taps + taps - 1] * own;
        for (int t = 0; t < taps - 1; t++) {
          sum += (double) weight[c * taps + t] * kept[t * inner + c];
        }
        u.put(place * inner + c, (float) silu(sum));
        for (int t = 0; t + 2 < taps; t++) {
          kept[t * inner + c] = kept[(t + 1) * inner + c];
        }
        if (taps > 1) {
          kept[(taps - 2) * inner + c] = own;
        }
      }
    }

    /** Advances the states by the row at a place; writes {@code y * silu(z)} where it is live. */
    void recur(
        float[] kept,
        FloatBuffer uz,
        FloatBuffer u,
        FloatBuffer dt,
        FloatBuffer bc,
        int place,
        boolean live,
        FloatBuffer into) {
      int inner = shape.inner();
      int states = shape.states();
      int first = inner * (shape.convolution() - 1);
      float[] both = new float[2 * states];
      bc.get(place * 2 * states, both);
      for (int c = 0; c < inner; c++) {
        double step = softplus(dt.get(place * inner + c));
        float input = u.get(place * inner + c);
        double y = (double) d[c] * input;
        for (int n = 0; n < states; n++) {
          int at = first + c * states + n;
          kept[at] =
              (float) (Math.exp(step * a[c * states + n]) * kept[at] + step * both[n] * input);
          y += (double) both[states + n] * kept[at];
        }
        if (live) {
          into.put(place * inner + c, (float) (y * silu(uz.get((place * 2 + 1) * inner + c))));
        }
      }
    }

    private static double silu(double x) {
      return x / (1 + Math.exp(-x));
    }

    private static double softplus(double x) {
      return x > 30 ? x : Math.log1p(Math.exp(x));
    }
  }
}
