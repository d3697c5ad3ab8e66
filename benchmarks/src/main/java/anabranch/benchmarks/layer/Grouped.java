package anabranch.benchmarks.layer;

import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The floor: rows are looked up and handed on as in the model, but lie grouped by experts already;
 * each expert runs on its own, and nothing is routed, gathered or added up. It computes no layer.
 */
final class Grouped implements Way {
  private final List<Session> sessions = new ArrayList<>();
  private final List<Call> calls = new ArrayList<>();
  private final Bench bench;
  private final FloatBuffer rows;
  private final FloatBuffer handedOn;
  private final int count;

  Grouped(Bench bench, Picks picks) {
    this.bench = bench;
    int width = bench.shape.width();
    count = picks.size() / bench.shape.k();
    rows = BufferPool.direct(count * width);
    handedOn = BufferPool.direct(count * width);
    FloatBuffer grouped = BufferPool.direct(picks.size() * width);
    FloatBuffer results = BufferPool.direct(picks.size() * width);
    for (int slot = 0; slot < picks.size(); slot++) {
      grouped.put(slot * width, bench.rows, picks.row(slot) * width, width);
    }
    int first = 0;
    for (int e = 0; e < picks.experts(); e++) {
      int size = picks.count(e);
      if (size > 0) {
        Session session = bench.openExpert(e);
        sessions.add(session);
        calls.add(
            session
                .call()
                .in("x", grouped, first * width, size, width)
                .out("y", results, first * width, size, width));
        first += size;
      }
    }
  }

  @Override
  public void run() {
    int width = bench.shape.width();
    for (int row = 0; row < count; row++) {
      rows.put(row * width, bench.rows, row * width, width);
    }
    calls.forEach(Call::run);
    handedOn.put(0, rows, 0, count * width);
  }

  @Override
  public float[] result() {
    throw new UnsupportedOperationException("the floor computes no layer");
  }

  @Override
  public void close() {
    calls.forEach(Call::close);
    sessions.forEach(Session::close);
  }
}
