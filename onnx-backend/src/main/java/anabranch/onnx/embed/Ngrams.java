package anabranch.onnx.embed;

import anabranch.backend.Event;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.model.Embedding;
import anabranch.onnx.state.OnnxState;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.List;

/** Looks hashed n-grams up. Thread-safe. */
final class Ngrams {
  private final Embedding.Ngrams described;
  private final List<FloatBuffer> tables;
  private final int shift;

  Ngrams(String path, Embedding.Ngrams described, Weights weights) {
    this.described = described;
    this.tables = Embedder.tables(path, described, weights);
    this.shift = 32 - Integer.numberOfTrailingZeros(described.buckets());
  }

  int inner() {
    return described.inner();
  }

  /** Writes the sum of the looked-up rows for each row, in batch order. */
  void sum(List<Span> spans, int vocabulary, FloatBuffer into) {
    int inner = inner();
    float[] sum = new float[inner];
    float[] found = new float[inner];
    int row = 0;
    for (Span span : spans) {
      Rows rows = span.rows();
      checkStart(rows.event(0), span);
      for (int i = 0; i < rows.size(); i++) {
        for (int t = 0; t < tables.size(); t++) {
          int bucket = bucket(span, i, described.orders().get(t), vocabulary);
          tables.get(t).get(bucket * inner, t == 0 ? sum : found);
          for (int c = 0; t > 0 && c < inner; c++) {
            sum[c] += found[c];
          }
        }
        into.put(row++ * inner, sum);
      }
    }
  }

  static int[] ids(Event event) {
    int[] ids = new int[event.rows()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = event.token(event.firstPosition() + i);
    }
    return ids;
  }

  private static void checkStart(Event event, Span span) {
    int known = span.state() instanceof OnnxState state ? state.knownTokens() : 0;
    if (event.firstPosition() > known) {
      throw new IllegalArgumentException(
          "the event starts at position "
              + event.firstPosition()
              + ", but token ids are known up to "
              + known);
    }
  }

  private int bucket(Span span, int row, int order, int vocabulary) {
    Event event = span.rows().event(row);
    int position = span.rows().position(row);
    int key = 0;
    int factor = 1;
    for (int back = 0; back < order; back++) {
      key += factor * token(span, event, position - back);
      factor *= vocabulary;
    }
    return (key * Embedding.Ngrams.MULTIPLIER) >>> shift;
  }

  private int token(Span span, Event event, int position) {
    if (position < 0) {
      return described.begin();
    }
    if (position >= event.firstPosition()) {
      return event.token(position);
    }
    return span.state() instanceof OnnxState state ? state.token(position) : described.begin();
  }
}
