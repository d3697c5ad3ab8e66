package anabranch.onnx.run;

import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.onnx.graph.EdgeGraphs;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes hidden vectors of event rows: tables on the host, projections in a graph. Thread-safe. */
final class Embedder implements AutoCloseable {
  private final ModelSpec spec;
  private final int width;
  private final @Nullable FloatBuffer tokens;
  private final @Nullable FloatBuffer positions;
  private final @Nullable Ngrams ngrams;
  private final @Nullable Session session;

  Embedder(ModelSpec spec, Weights weights, @Nullable Session session) {
    this.spec = spec;
    this.width = spec.width();
    this.session = session;
    tokens = spec.input() instanceof Input.Tokens ? table(weights, "embedding.tokens") : null;
    positions = spec.embedding().learnedPositions() ? table(weights, "embedding.positions") : null;
    Embedding.Ngrams described = spec.embedding().ngrams();
    ngrams = described == null ? null : new Ngrams(described, weights);
  }

  /** Writes the hidden vectors of all rows, in batch order. */
  void embed(Packing packing, FloatBuffer into, BufferPool pool) {
    try (Scope scope = new Scope(pool)) {
      int rows = packing.rows;
      if (session == null) {
        tables(packing, into);
        return;
      }
      try (Call call = session.call()) {
        if (EdgeGraphs.hasTables(spec)) {
          FloatBuffer sums = scope.rows(rows, width);
          tables(packing, sums);
          call.in("tables", sums, 0, rows, width);
        }
        if (spec.input() instanceof Input.Features features) {
          FloatBuffer values = scope.rows(rows, features.features());
          features(packing, features.features(), values);
          call.in("features", values, 0, rows, features.features());
        }
        if (ngrams != null) {
          FloatBuffer sums = scope.rows(rows, ngrams.inner());
          ngrams.sum(packing, ((Input.Tokens) spec.input()).vocabulary(), sums);
          call.in("ngrams", sums, 0, rows, ngrams.inner());
        }
        call.out("h", into, 0, rows, width).run();
      }
    }
  }

  /** Remembers in the states what later calls read back. */
  void publish(Packing packing) {
    if (ngrams == null) {
      return;
    }
    for (Span span : packing.spans) {
      if (span.state() instanceof OnnxState state) {
        Rows rows = span.rows();
        for (int i = 0; i < rows.size(); i++) {
          Event event = rows.event(i);
          if (i == 0 || event != rows.event(i - 1)) {
            state.publishTokens(event.firstPosition(), Ngrams.ids(event));
          }
        }
      }
    }
  }

  @Override
  public void close() {
    if (session != null) {
      session.close();
    }
  }

  private void tables(Packing packing, FloatBuffer into) {
    float[] sum = new float[width];
    float[] position = new float[width];
    int row = 0;
    for (Span span : packing.spans) {
      Rows rows = span.rows();
      for (int i = 0; i < rows.size(); i++) {
        int at = rows.position(i);
        if (tokens != null) {
          tokens.get(token(rows.event(i), at) * width, sum);
        }
        if (positions != null) {
          positions.get(at * width, tokens == null ? sum : position);
          for (int c = 0; tokens != null && c < width; c++) {
            sum[c] += position[c];
          }
        }
        into.put(row++ * width, sum);
      }
    }
  }

  private int token(Event event, int position) {
    int token = event.token(position);
    int vocabulary = ((Input.Tokens) spec.input()).vocabulary();
    if (token < 0 || token >= vocabulary) {
      throw new IllegalArgumentException(
          "token " + token + " at position " + position + " is not in 0.." + (vocabulary - 1));
    }
    return token;
  }

  private static void features(Packing packing, int features, FloatBuffer into) {
    int row = 0;
    for (Span span : packing.spans) {
      Rows rows = span.rows();
      for (int i = 0; i < rows.size(); i++) {
        FloatBuffer values = rows.event(i).features(rows.position(i));
        if (values.remaining() != features) {
          throw new IllegalArgumentException(
              "an event has " + values.remaining() + " features instead of " + features);
        }
        into.put(row++ * features, values, values.position(), features);
      }
    }
  }

  static FloatBuffer table(Weights weights, String name) {
    Tensor tensor = weights.tensor(name);
    FloatBuffer table = BufferPool.direct(tensor.elements());
    tensor.copyTo(table);
    return table.clear();
  }

  /** Returns the tables of the n-gram orders. */
  static List<FloatBuffer> tables(Embedding.Ngrams described, Weights weights) {
    List<FloatBuffer> tables = new ArrayList<>();
    for (int order : described.orders()) {
      tables.add(table(weights, "embedding.ngrams." + order));
    }
    return tables;
  }
}
