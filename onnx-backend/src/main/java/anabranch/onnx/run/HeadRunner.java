package anabranch.onnx.run;

import anabranch.backend.Rows;
import anabranch.model.Exit;
import anabranch.model.Head;
import anabranch.model.facts.Point;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What stands behind a stage: scores and answers of units, computed in bounded portions.
 * Thread-safe.
 */
final class HeadRunner implements AutoCloseable {
  /** The most logits held at a time, unless one unit alone has more. */
  private static final int MOST_LOGITS = 1 << 18;

  /**
   * The most logits that stay between a score and its answer; beyond, answers run the head again.
   */
  private static final int MOST_KEPT = 1 << 22;

  private final Point point;
  private final int width;
  private final Session head;
  private final @Nullable Session score;

  HeadRunner(Point point, int width, Session head, @Nullable Session score) {
    this.point = point;
    this.width = width;
    this.head = head;
    this.score = score;
  }

  boolean ofItem() {
    return point.head().pool().ofItem();
  }

  int outputs() {
    return point.head().outputs();
  }

  /**
   * What the units of a batch scored.
   *
   * @param values the score of each unit; NaN where not scored, and at the end of the plan
   * @param units the scored units, ascending
   * @param logits theirs, one after the other, in a buffer of the pool; null where none were kept
   */
  record Scores(float[] values, int[] units, @Nullable FloatBuffer logits) {
    /** Gives the buffer back. */
    void release(BufferPool pool) {
      if (logits != null) {
        pool.give(logits);
      }
    }
  }

  /** Returns the score of each unit, to be released. */
  Scores scores(Packing packing, FloatBuffer rows, BufferPool pool) {
    float[] values = new float[ofItem() ? packing.spans.size() : packing.rows];
    Arrays.fill(values, Float.NaN);
    if (!(point instanceof Point.AtExit at)) {
      return new Scores(values, new int[0], null);
    }
    int[] units = scored(packing);
    long size = (long) units.length * outputs();
    Scores scores =
        new Scores(values, units, size > 0 && size <= MOST_KEPT ? pool.take(size) : null);
    Exit.Criterion.Score how = at.exit().criterion().score();
    boolean complete = false;
    try {
      run(
          units,
          packing,
          rows,
          pool,
          (logits, from, n) -> score(how, logits, from, n, scores, pool));
      complete = true;
      return scores;
    } finally {
      if (!complete) {
        scores.release(pool);
      }
    }
  }

  private void score(
      Exit.Criterion.Score how,
      FloatBuffer logits,
      int from,
      int count,
      Scores into,
      BufferPool pool) {
    try (Scope scope = new Scope(pool)) {
      FloatBuffer found = scope.rows(count, 1);
      score(how, logits, count, found);
      for (int i = 0; i < count; i++) {
        into.values[into.units[from + i]] = found.get(i);
      }
    }
    if (into.logits != null) {
      into.logits.put(from * outputs(), logits, 0, count * outputs());
    }
  }

  /** Writes the logits of units, one after the other, in the buffer's byte order. */
  void output(
      int[] units,
      Packing packing,
      FloatBuffer rows,
      Scores scores,
      ByteBuffer into,
      BufferPool pool) {
    int bytes = Math.multiplyExact(units.length, 4 * outputs());
    FloatBuffer answers = into.slice(into.position(), bytes).order(into.order()).asFloatBuffer();
    if (!kept(units, scores, answers)) {
      run(
          units,
          packing,
          rows,
          pool,
          (logits, from, count) -> answers.put(logits.slice(0, count * outputs())));
    }
    into.position(into.position() + bytes);
  }

  /** Copies logits that were kept; returns false where one of the units has none. */
  private boolean kept(int[] units, Scores scores, FloatBuffer answers) {
    if (scores.logits == null) {
      return false;
    }
    for (int i = 0; i < units.length; i++) {
      int at = Arrays.binarySearch(scores.units, units[i]);
      if (at < 0) {
        return false;
      }
      answers.put(i * outputs(), scores.logits, at * outputs(), outputs());
    }
    return true;
  }

  @Override
  public void close() {
    head.close();
    if (score != null) {
      score.close();
    }
  }

  private int[] scored(Packing packing) {
    int[] units = new int[ofItem() ? packing.spans.size() : packing.rows];
    int count = 0;
    for (int s = 0; s < packing.spans.size(); s++) {
      Rows span = packing.spans.get(s).rows();
      for (int i = 0; i < span.size(); i++) {
        if (span.scored(i) && !span.frozen(i)) {
          units[count++] = ofItem() ? s : packing.first[s] + i;
          if (ofItem()) {
            break;
          }
        }
      }
    }
    return Arrays.copyOf(units, count);
  }

  private void run(
      int[] units, Packing packing, FloatBuffer rows, BufferPool pool, Portion portion) {
    int most = Math.max(1, MOST_LOGITS / outputs());
    for (int from = 0; from < units.length; from += most) {
      int count = Math.min(most, units.length - from);
      try (Scope scope = new Scope(pool)) {
        FloatBuffer vectors = scope.rows(count, width);
        for (int i = 0; i < count; i++) {
          vector(units[from + i], packing, rows, vectors, i * width);
        }
        FloatBuffer logits = scope.rows(count, outputs());
        try (Call call = head.call()) {
          call.in("x", vectors, 0, count, width).out("logits", logits, 0, count, outputs()).run();
        }
        portion.take(logits, from, count);
      }
    }
  }

  private void score(Exit.Criterion.Score how, FloatBuffer logits, int count, FloatBuffer into) {
    if (score != null) {
      try (Call call = score.call()) {
        call.in("logits", logits, 0, count, outputs()).out("score", into, 0, count, 1).run();
      }
      return;
    }
    if (how != Exit.Criterion.Score.ENTROPY) {
      throw new AssertionError(how);
    }
    float[] z = new float[outputs()];
    for (int i = 0; i < count; i++) {
      logits.get(i * outputs(), z);
      into.put(i, (float) entropy(z));
    }
  }

  /** Returns {@code m + ln A - sum(z e^(z-m)) / A} with m = max z and A = sum e^(z-m). */
  static double entropy(float[] z) {
    double max = Double.NEGATIVE_INFINITY;
    for (float value : z) {
      max = Math.max(max, value);
    }
    double sum = 0;
    double weighed = 0;
    for (float value : z) {
      double power = Math.exp(value - max);
      sum += power;
      weighed += power == 0 ? 0 : (value - max) * power;
    }
    return Math.log(sum) - weighed / sum;
  }

  private void vector(int unit, Packing packing, FloatBuffer rows, FloatBuffer into, int at) {
    Head.Pool pool = point.head().pool();
    if (!ofItem()) {
      into.put(at, rows, unit * width, width);
      return;
    }
    int first = packing.first[unit];
    int last = packing.first[unit + 1] - 1;
    while (first < last && !packing.isLive[first]) {
      first++;
    }
    while (last > first && !packing.isLive[last]) {
      last--;
    }
    switch (pool) {
      case FIRST -> into.put(at, rows, first * width, width);
      case LAST -> into.put(at, rows, last * width, width);
      default -> into.put(at, mean(packing, rows, first, last));
    }
  }

  private float[] mean(Packing packing, FloatBuffer rows, int first, int last) {
    double[] sum = new double[width];
    float[] vector = new float[width];
    int count = 0;
    for (int row = first; row <= last; row++) {
      if (packing.isLive[row]) {
        rows.get(row * width, vector);
        for (int c = 0; c < width; c++) {
          sum[c] += vector[c];
        }
        count++;
      }
    }
    for (int c = 0; c < width; c++) {
      vector[c] = (float) (sum[c] / count);
    }
    return vector;
  }

  private interface Portion {
    void take(FloatBuffer logits, int from, int count);
  }
}
