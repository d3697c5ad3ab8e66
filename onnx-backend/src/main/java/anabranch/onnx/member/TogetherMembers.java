package anabranch.onnx.member;

import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Experts that are loaded twice: each on its own, and all in one graph, which runs on the rows of
 * each behind those of the one before. {@link Crossover} says for each call which is faster; a row
 * has the same bits either way. Thread-safe.
 */
public final class TogetherMembers implements Members {
  private final SingleMembers each;
  private final int experts;
  private final Session all;
  private final AtomicReference<@Nullable LongBuffer> idle = new AtomicReference<>();

  /**
   * Takes what was loaded.
   *
   * @param each the members on their own
   * @param experts how many of the members are experts
   * @param all maps x, rows expert by expert, and counts, how many each has, to y
   */
  public TogetherMembers(SingleMembers each, int experts, Session all) {
    this.each = each;
    this.experts = experts;
    this.all = all;
  }

  @Override
  public void add(StageRun run, Dispatch dispatch, FloatBuffer read, Sums sums) {
    int rows = dispatch.first(experts);
    if (!Crossover.together(experts, dispatch.busy(experts), rows)) {
      each.add(run, dispatch, read, sums);
      return;
    }
    int width = run.width;
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer gathered = scope.rows(rows, width);
      FloatBuffer results = scope.rows(rows, width);
      each.gather(dispatch, 0, rows, read, width, gathered);
      run(dispatch, gathered, results, rows, width);
      each.add(dispatch, 0, rows, results, sums);
    }
    each.add(run, dispatch, experts, read, sums);
  }

  private void run(Dispatch dispatch, FloatBuffer x, FloatBuffer y, int rows, int width) {
    LongBuffer kept = idle.getAndSet(null);
    LongBuffer counts = kept == null ? direct(experts) : kept;
    for (int e = 0; e < experts; e++) {
      counts.put(e, dispatch.count(e));
    }
    try (Call call = all.call()) {
      call.in("x", x, 0, rows, width)
          .in("counts", counts, experts)
          .out("y", y, 0, rows, width)
          .run();
    }
    idle.set(counts);
  }

  private static LongBuffer direct(int numbers) {
    return ByteBuffer.allocateDirect(Long.BYTES * numbers)
        .order(ByteOrder.nativeOrder())
        .asLongBuffer();
  }
}
