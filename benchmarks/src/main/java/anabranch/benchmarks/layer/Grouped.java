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
 * Where few rows meet a layer whose weights lie far away, the router's product belongs to the
 * floor: its weights have to be read as well.
 */
final class Grouped implements Way {
  private final List<Session> sessions = new ArrayList<>();
  private final List<Call> calls = new ArrayList<>();
  private final Bench bench;
  private final FloatBuffer rows;
  private final FloatBuffer handedOn;
  private final int count;

  /** Lays out experts alone. */
  static Grouped of(Bench bench, Picks picks) {
    return new Grouped(bench, picks, List.of());
  }

  /** Lays out the product of the router and, behind it, experts. */
  static Grouped behindRouter(Bench bench, Picks picks) {
    return new Grouped(bench, picks, List.of(bench.router()));
  }

  private Grouped(Bench bench, Picks picks, List<Session> routers) {
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
    for (Session router : routers) {
      int experts = picks.experts();
      FloatBuffer logits = BufferPool.direct(count * experts);
      sessions.add(router);
      calls.add(
          router
              .call()
              .in("x", bench.rows, 0, count, width)
              .out("logits", logits, 0, count, experts));
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
