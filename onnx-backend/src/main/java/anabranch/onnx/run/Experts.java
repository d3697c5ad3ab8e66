package anabranch.onnx.run;

import anabranch.backend.Trace;
import anabranch.model.Mixture;
import anabranch.model.route.Placement;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.routing.Assignment;
import anabranch.routing.Routing;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A mixture: routes live rows, runs each expert on its rows, adds the results up. Thread-safe. */
final class Experts implements AutoCloseable {
  private final String path;
  private final Mixture mixture;
  private final int width;
  private final Routing routing;
  private final List<Session> sessions;

  Experts(String path, Mixture mixture, int width, Routing routing, List<Session> sessions) {
    this.path = path;
    this.mixture = mixture;
    this.width = width;
    this.routing = routing;
    this.sessions = List.copyOf(sessions);
  }

  /** Decides for every row of the batch; {@code logits} holds the live ones. */
  void route(Packing packing, FloatBuffer logits, Assignment into) {
    if (routing.readsTokens()) {
      routing.decideByToken(packing.liveTokens(), packing.isLive, into);
    } else {
      routing.decide(logits, packing.isLive, into);
    }
  }

  Trace.Choices choices(Assignment assignment) {
    return new Trace.Choices(
        path,
        assignment.k(),
        IntBuffer.wrap(assignment.experts()),
        FloatBuffer.wrap(assignment.gates()));
  }

  /**
   * Runs the experts.
   *
   * @param read what the experts read, live rows
   * @param into receives the weighed sums, plus {@code residual} where there is one
   * @param residual what is added to the sums; null for nothing
   */
  void run(
      Packing packing,
      Assignment assignment,
      FloatBuffer read,
      FloatBuffer into,
      @Nullable FloatBuffer residual,
      BufferPool pool) {
    Dispatch dispatch = new Dispatch(packing, assignment, mixture.experts());
    try (Scope scope = new Scope(pool)) {
      FloatBuffer gathered = scope.rows(dispatch.size(), width);
      FloatBuffer results = scope.rows(dispatch.size(), width);
      boolean scaled = mixture.router().placement() == Placement.INPUT;
      gather(dispatch, read, gathered, scaled);
      for (int e = 0; e < sessions.size(); e++) {
        int first = dispatch.first(e);
        int count = dispatch.first(e + 1) - first;
        if (count > 0) {
          try (Call call = sessions.get(e).call()) {
            call.in("x", gathered, first * width, count, width)
                .out("y", results, first * width, count, width)
                .run();
          }
        }
      }
      combine(dispatch, results, into, residual, scaled);
    }
  }

  @Override
  public void close() {
    sessions.forEach(Session::close);
  }

  private void gather(Dispatch dispatch, FloatBuffer read, FloatBuffer into, boolean scaled) {
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

  /** Adds up in ascending order of experts, whatever their rank. */
  private void combine(
      Dispatch dispatch,
      FloatBuffer results,
      FloatBuffer into,
      @Nullable FloatBuffer residual,
      boolean scaled) {
    float[] sum = new float[width];
    float[] result = new float[width];
    for (int row = 0; row < dispatch.rows(); row++) {
      for (int i = 0; i < dispatch.k(); i++) {
        int slot = dispatch.slot(row, i);
        results.get(slot * width, result);
        float weight = scaled ? 1 : dispatch.gate(slot);
        if (i == 0) {
          for (int c = 0; c < width; c++) {
            sum[c] = weight * result[c];
          }
        } else {
          for (int c = 0; c < width; c++) {
            sum[c] += weight * result[c];
          }
        }
      }
      if (residual != null) {
        residual.get(row * width, result);
        for (int c = 0; c < width; c++) {
          sum[c] = result[c] + sum[c];
        }
      }
      into.put(row * width, sum);
    }
  }
}
