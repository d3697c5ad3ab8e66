package anabranch.benchmarks.layer;

import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.stream.IntStream;

/** A layer with a graph for each expert, routed, gathered and added up by the plainest loops. */
final class PerExpert implements Way {
  private final Bench bench;
  private final int count;
  private final Session router;
  private final List<Session> experts;
  private final FloatBuffer logits;
  private final FloatBuffer gathered;
  private final FloatBuffer results;
  private final float[] rows;

  PerExpert(Bench bench, int count) {
    this.bench = bench;
    this.count = count;
    Shape shape = bench.shape;
    router = bench.router();
    experts = IntStream.range(0, shape.experts()).mapToObj(bench::openExpert).toList();
    logits = BufferPool.direct(count * shape.experts());
    gathered = BufferPool.direct(count * shape.k() * shape.width());
    results = BufferPool.direct(count * shape.k() * shape.width());
    rows = new float[count * shape.width()];
  }

  /** Returns what the router says of each row. */
  Picks picks() {
    Shape shape = bench.shape;
    try (Call call = router.call()) {
      call.in("x", bench.rows, 0, count, shape.width())
          .out("logits", logits, 0, count, shape.experts())
          .run();
    }
    return new Picks(shape, Bench.copy(logits, count * shape.experts()), count);
  }

  @Override
  public void run() {
    Shape shape = bench.shape;
    int width = shape.width();
    Picks picks = picks();
    for (int slot = 0; slot < picks.size(); slot++) {
      gathered.put(slot * width, bench.rows, picks.row(slot) * width, width);
    }
    int first = 0;
    for (int e = 0; e < shape.experts(); e++) {
      int size = picks.count(e);
      if (size > 0) {
        try (Call call = experts.get(e).call()) {
          call.in("x", gathered, first * width, size, width)
              .out("y", results, first * width, size, width)
              .run();
        }
        first += size;
      }
    }
    bench.rows.get(0, rows);
    float[] result = new float[width];
    for (int row = 0; row < count; row++) {
      for (int i = 0; i < shape.k(); i++) {
        int choice = row * shape.k() + i;
        results.get(picks.slotOf(choice) * width, result);
        float weight = picks.weight(choice);
        for (int c = 0; c < width; c++) {
          rows[row * width + c] += weight * result[c];
        }
      }
    }
  }

  @Override
  public float[] result() {
    run();
    return rows.clone();
  }

  @Override
  public void close() {
    router.close();
    experts.forEach(Session::close);
  }
}
