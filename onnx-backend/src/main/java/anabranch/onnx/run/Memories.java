package anabranch.onnx.run;

import anabranch.backend.Rows;
import anabranch.model.plan.Head;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.OnnxRows;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.KeyValues;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.OnnxState;
import anabranch.onnx.step.AttendStep;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes of an encoder's rows what a sequence reads of them. Thread-safe.
 *
 * @param layout of the model
 * @param width of a hidden vector
 * @param norm what is applied to the rows; null for nothing
 * @param attentions those that read the memory, by their parameter paths
 * @param pools how the choices of depth read it, by their parameter paths
 */
record Memories(
    Layout layout,
    int width,
    @Nullable Session norm,
    Map<String, AttendStep> attentions,
    Map<String, Head.Pool> pools) {
  /** Writes the memory to the state of a new sequence. */
  void write(Rows memory, OnnxState state, BufferPool pool) {
    int rows = memory.size();
    if (rows == 0) {
      throw new IllegalArgumentException("a memory has no rows");
    }
    try (Scope scope = new Scope(pool)) {
      FloatBuffer left = scope.rows(rows, width);
      OnnxRows.copy(memory, left, width);
      FloatBuffer read = norm == null ? left : scope.rows(rows, width);
      if (norm != null) {
        try (Call call = norm.call()) {
          call.in("x", left, 0, rows, width).out("h", read, 0, rows, width).run();
        }
      }
      Map<String, FloatBuffer[]> projected = new HashMap<>();
      for (Layout.Entry entry : layout.entries()) {
        if (entry.kind() == Layout.Kind.MEMORY) {
          FloatBuffer[] both =
              projected.computeIfAbsent(
                  entry.key().path(), p -> project(p, entry, read, rows, scope));
          KeyValues store = state.rows(entry);
          store.reserve(rows);
          for (int i = 0; i < rows; i++) {
            store.add(i, both[0], both[1], i);
          }
          store.end();
        } else if (entry.kind() == Layout.Kind.CHOICE) {
          Head.Pool how = pools.get(entry.key().path());
          state.numbers(entry).write(pooled(read, rows, how == null ? Head.Pool.MEAN : how));
        }
      }
      state.publish();
    }
  }

  private FloatBuffer[] project(
      String path, Layout.Entry entry, FloatBuffer read, int rows, Scope scope) {
    FloatBuffer k = scope.rows(rows, entry.width());
    FloatBuffer v = scope.rows(rows, entry.values());
    AttendStep attention = attentions.get(path);
    if (attention == null) {
      throw new AssertionError(path + " was not loaded");
    }
    attention.project(read, rows, width, k, v);
    return new FloatBuffer[] {k, v};
  }

  private float[] pooled(FloatBuffer read, int rows, Head.Pool how) {
    float[] vector = new float[width];
    if (how == Head.Pool.FIRST || how == Head.Pool.LAST) {
      read.get(how == Head.Pool.FIRST ? 0 : (rows - 1) * width, vector);
      return vector;
    }
    for (int c = 0; c < width; c++) {
      double sum = 0;
      for (int row = 0; row < rows; row++) {
        sum += read.get(row * width + c);
      }
      vector[c] = (float) (sum / rows);
    }
    return vector;
  }
}
