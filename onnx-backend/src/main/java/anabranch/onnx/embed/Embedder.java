package anabranch.onnx.embed;

import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.onnx.graph.EdgeGraphs;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.OnnxState;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes hidden vectors of event rows: tables on the host, projections in a graph. Thread-safe. */
public final class Embedder {
  private final Input input;
  private final Embedding embedding;
  private final int width;
  private final @Nullable FloatBuffer tokens;
  private final @Nullable FloatBuffer positions;
  private final @Nullable FloatBuffer[] levels;
  private final @Nullable Ngrams ngrams;
  private final @Nullable Session session;

  /**
   * Reads the tables.
   *
   * @param path of the embedding's parameters
   * @param session of the graph that completes the rows; null where the tables are all
   */
  public Embedder(
      String path,
      int width,
      Input input,
      Embedding embedding,
      Weights weights,
      @Nullable Session session) {
    this.input = input;
    this.embedding = embedding;
    this.width = width;
    this.session = session;
    tokens = input instanceof Input.Tokens ? table(weights, path + ".tokens") : null;
    positions = embedding.learnedPositions() ? table(weights, path + ".positions") : null;
    levels = new @Nullable FloatBuffer[input.numbers()];
    if (input instanceof Input.Records records) {
      for (int f = 0; f < levels.length; f++) {
        if (records.fields().get(f) instanceof Input.Field.Category category) {
          levels[f] = table(weights, path + ".fields." + category.name());
        }
      }
    }
    Embedding.Ngrams described = embedding.ngrams();
    ngrams = described == null ? null : new Ngrams(path + ".ngrams.", described, weights);
  }

  /**
   * Writes the hidden vectors of all rows, in batch order.
   *
   * @param rows how many there are
   */
  public void embed(List<Span> spans, int rows, FloatBuffer into, BufferPool pool) {
    if (session == null) {
      tables(spans, into);
      return;
    }
    try (Scope scope = new Scope(pool);
        Call call = session.call()) {
      if (EdgeGraphs.hasTables(input, embedding)) {
        FloatBuffer sums = scope.rows(rows, width);
        tables(spans, sums);
        call.in("tables", sums, 0, rows, width);
      }
      int numbers = EdgeGraphs.projected(input);
      if (numbers > 0) {
        FloatBuffer values = scope.rows(rows, numbers);
        features(spans, values);
        call.in("features", values, 0, rows, numbers);
      }
      if (ngrams != null) {
        FloatBuffer sums = scope.rows(rows, ngrams.inner());
        ngrams.sum(spans, ((Input.Tokens) input).vocabulary(), sums);
        call.in("ngrams", sums, 0, rows, ngrams.inner());
      }
      call.out("h", into, 0, rows, width).run();
    }
  }

  /** Writes to the states what later calls read back. */
  public void remember(List<Span> spans) {
    if (ngrams == null) {
      return;
    }
    for (Span span : spans) {
      if (span.state() instanceof OnnxState state) {
        Rows rows = span.rows();
        for (int i = 0; i < rows.size(); i++) {
          Event event = rows.event(i);
          if (i == 0 || event != rows.event(i - 1)) {
            state.writeTokens(event.firstPosition(), Ngrams.ids(event));
          }
        }
      }
    }
  }

  private void tables(List<Span> spans, FloatBuffer into) {
    FloatBuffer table = tokens;
    boolean alone =
        embedding.multiplier() == null && positions == null && embedding.sinusoids() == null;
    if (table != null && alone) {
      copies(spans, table, into);
    } else {
      sums(spans, into);
    }
  }

  /** Writes what stands in the only table. */
  private void copies(List<Span> spans, FloatBuffer table, FloatBuffer into) {
    int row = 0;
    for (int s = 0; s < spans.size(); s++) {
      Rows rows = spans.get(s).rows();
      for (int i = 0; i < rows.size(); i++) {
        int token = token(rows.event(i), rows.position(i));
        into.put(row++ * width, table, token * width, width);
      }
    }
  }

  private void sums(List<Span> spans, FloatBuffer into) {
    float[] sum = new float[width];
    float[] vector = new float[width];
    int row = 0;
    for (Span span : spans) {
      Rows rows = span.rows();
      for (int i = 0; i < rows.size(); i++) {
        Arrays.fill(sum, 0);
        int at = rows.position(i);
        if (tokens != null) {
          add(tokens, token(rows.event(i), at), vector, sum);
        } else if (input instanceof Input.Records records) {
          levels(records, numbers(rows.event(i), at), vector, sum);
        }
        if (embedding.multiplier() != null) {
          scale(embedding.multiplier().floatValue(), sum);
        }
        if (positions != null) {
          add(positions, at, vector, sum);
        }
        if (embedding.sinusoids() != null) {
          addWaves(at + embedding.sinusoids().offset(), sum);
        }
        into.put(row++ * width, sum);
      }
    }
  }

  private void levels(Input.Records records, FloatBuffer numbers, float[] vector, float[] sum) {
    for (int f = 0; f < levels.length; f++) {
      FloatBuffer table = levels[f];
      if (table != null && records.fields().get(f) instanceof Input.Field.Category category) {
        add(table, category.levelOf(numbers.get(f)), vector, sum);
      }
    }
  }

  private static void scale(float factor, float[] sum) {
    for (int c = 0; c < sum.length; c++) {
      sum[c] *= factor;
    }
  }

  private static void addWaves(int place, float[] sum) {
    int half = sum.length / 2;
    for (int i = 0; i < half; i++) {
      double angle = place * StrictMath.pow(Embedding.Sinusoids.BASE, -i / (half - 1.0));
      sum[i] += (float) StrictMath.sin(angle);
      sum[half + i] += (float) StrictMath.cos(angle);
    }
  }

  private void add(FloatBuffer table, int index, float[] vector, float[] sum) {
    table.get(index * width, vector);
    for (int c = 0; c < sum.length; c++) {
      sum[c] += vector[c];
    }
  }

  private int token(Event event, int position) {
    int token = event.token(position);
    int vocabulary = ((Input.Tokens) input).vocabulary();
    if (token < 0 || token >= vocabulary) {
      throw new IllegalArgumentException(
          "token " + token + " at position " + position + " is not in 0.." + (vocabulary - 1));
    }
    return token;
  }

  private void features(List<Span> spans, FloatBuffer into) {
    for (Span span : spans) {
      Rows rows = span.rows();
      for (int i = 0; i < rows.size(); i++) {
        FloatBuffer numbers = numbers(rows.event(i), rows.position(i));
        for (int f = 0; f < levels.length; f++) {
          if (levels[f] == null) {
            into.put(numbers.get(f));
          }
        }
      }
    }
  }

  private FloatBuffer numbers(Event event, int position) {
    if (event.hasTokens() || event.width() != levels.length) {
      throw new IllegalArgumentException(
          "an event has " + event.width() + " numbers a row instead of " + levels.length);
    }
    return event.features(position);
  }

  static FloatBuffer table(Weights weights, String name) {
    Tensor tensor = weights.tensor(name);
    FloatBuffer table = BufferPool.direct(tensor.elements());
    tensor.copyTo(table);
    return table.clear();
  }

  /** Returns the tables of the n-gram orders. */
  static List<FloatBuffer> tables(String path, Embedding.Ngrams described, Weights weights) {
    List<FloatBuffer> tables = new ArrayList<>();
    for (int order : described.orders()) {
      tables.add(table(weights, path + order));
    }
    return tables;
  }
}
