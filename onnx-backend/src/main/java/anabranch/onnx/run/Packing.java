package anabranch.onnx.run;

import anabranch.backend.Activations;
import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * Where the rows of a batch stand while a stage runs: live rows first, in batch order, then frozen
 * rows, so that what only live rows need runs on a prefix. Immutable once made.
 */
final class Packing {
  final List<Span> spans;
  final int rows;
  final int live;

  /** For each row in batch order, whether it is live. */
  final boolean[] isLive;

  /** For each row in batch order, its place. */
  final int[] place;

  /** For each span, its first row in batch order; one more entry than spans. */
  final int[] first;

  Packing(StageBatch batch) {
    spans = batch.spans();
    rows = batch.size();
    isLive = new boolean[rows];
    place = new int[rows];
    first = new int[spans.size() + 1];
    int row = 0;
    int alive = 0;
    for (int s = 0; s < spans.size(); s++) {
      Rows span = spans.get(s).rows();
      first[s] = row;
      for (int i = 0; i < span.size(); i++, row++) {
        isLive[row] = !span.frozen(i);
        alive += isLive[row] ? 1 : 0;
      }
    }
    first[spans.size()] = row;
    live = alive;
    int nextLive = 0;
    int nextFrozen = live;
    for (int i = 0; i < rows; i++) {
      place[i] = isLive[i] ? nextLive++ : nextFrozen++;
    }
  }

  /** Checks what the contract says of positions, against the longest sequence allowed. */
  void checkPositions(int maxLength) {
    for (Span span : spans) {
      Rows all = span.rows();
      if (all.size() == 0) {
        throw new IllegalArgumentException("a span has no rows");
      }
      int before = -1;
      for (int i = 0; i < all.size(); i++) {
        int position = all.position(i);
        if (position <= before || position >= maxLength) {
          throw new IllegalArgumentException(
              "position "
                  + position
                  + " does not ascend from "
                  + before
                  + " within 0.."
                  + (maxLength - 1));
        }
        before = position;
      }
    }
  }

  boolean hasFrozen() {
    return live < rows;
  }

  /** Returns the number of rows of a span. */
  int size(int span) {
    return first[span + 1] - first[span];
  }

  /** Returns the positions of all rows, by place. */
  int[] positions() {
    int[] positions = new int[rows];
    forEach((span, i, row) -> positions[place[row]] = span.position(i));
    return positions;
  }

  /** Returns the token ids of live rows, by place. */
  int[] liveTokens() {
    int[] tokens = new int[live];
    forEach(
        (span, i, row) -> {
          if (isLive[row]) {
            tokens[place[row]] = span.event(i).token(span.position(i));
          }
        });
    return tokens;
  }

  /** Copies the hidden vectors that earlier calls left to their places. */
  void gather(FloatBuffer into, int width) {
    for (int s = 0; s < spans.size(); s++) {
      Rows span = spans.get(s).rows();
      int i = 0;
      while (i < span.size()) {
        Activations from = span.from(i);
        if (!(from instanceof OnnxRows source) || source.width() != width) {
          throw new IllegalArgumentException(
              "row at position " + span.position(i) + " comes from no earlier stage of this model");
        }
        int start = i++;
        while (i < span.size()
            && span.from(i) == from
            && span.index(i) == span.index(start) + i - start
            && place[first[s] + i] == place[first[s] + start] + i - start) {
          i++;
        }
        source.copyTo(into, place[first[s] + start], span.index(start), i - start);
      }
    }
  }

  /** Copies vectors from their places to batch order. */
  void scatter(FloatBuffer from, FloatBuffer into, int width) {
    if (!hasFrozen()) {
      into.put(0, from, 0, rows * width);
      return;
    }
    for (int row = 0; row < rows; row++) {
      into.put(row * width, from, place[row] * width, width);
    }
  }

  private void forEach(Visitor visitor) {
    int row = 0;
    for (Span span : spans) {
      for (int i = 0; i < span.rows().size(); i++) {
        visitor.visit(span.rows(), i, row++);
      }
    }
  }

  private interface Visitor {
    void visit(Rows span, int i, int row);
  }
}
