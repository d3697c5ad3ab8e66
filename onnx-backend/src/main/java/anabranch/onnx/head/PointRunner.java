package anabranch.onnx.head;

import anabranch.model.facts.Point;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Head;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Lent;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
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
public final class PointRunner {
  /** The most numbers held at a time, unless one unit alone has more. */
  private static final int MOST_NUMBERS = 1 << 18;

  /**
   * The most logits that stay between a score and its answer; beyond, answers run the head again.
   */
  private static final int MOST_KEPT = 1 << 22;

  private static final int[] NONE = {};

  private final Point point;
  private final int width;
  private final int most;
  private final boolean embeds;
  private final Sessions sessions;

  /** Says of some number of units that nobody scored them, which the next call may want again. */
  private volatile @Nullable Scores unscored;

  /**
   * The graphs of a point, as far as it has them.
   *
   * @param head maps vectors to logits
   * @param learned maps vectors to a score, or to the logits of a choice of depth
   * @param score maps logits to scores
   */
  public record Sessions(
      @Nullable Session head, @Nullable Session learned, @Nullable Session score) {}

  /**
   * Creates a runner.
   *
   * @param most the most rows of one sequence
   * @param embeds whether the stage is the first, so that no decision was before
   */
  public PointRunner(Point point, int width, int most, boolean embeds, Sessions sessions) {
    this.point = point;
    this.width = width;
    this.most = most;
    this.embeds = embeds;
    this.sessions = sessions;
  }

  /** Returns whether scores compare with the vectors that entered the stage. */
  public boolean compares() {
    return point.score() == Criterion.Score.SATURATION && !embeds;
  }

  /** Returns the score of each unit, to be released. */
  public Scores scores(Reading reading, BufferPool pool) {
    Units units = units(reading.packing());
    Criterion.Score how = point.score();
    if (how == null || how == Criterion.Score.CHOSEN) {
      Scores before = unscored;
      if (before == null || before.values().length != units.count()) {
        before = nothing(units.count());
        unscored = before;
      }
      return before;
    }
    Scores nothing = nothing(units.count());
    float[] values = nothing.values();
    int[] scored = units.scored();
    switch (how) {
      case SATURATION -> saturation(units, scored, reading, values, pool);
      case LEARNED -> learned(scored, reading, values, pool);
      case ATTENTION_RECEIVED, GRAPH_RANK -> {
        for (int unit : scored) {
          values[unit] = reading.received() == null ? 0 : reading.received()[unit];
        }
      }
      case REDUNDANCY -> Redundancy.scores(width, scored, reading, values);
      default -> {
        return ofLogits(how, units, scored, reading, nothing, pool);
      }
    }
    return nothing;
  }

  private Scores nothing(int units) {
    float[] values = new float[units];
    Arrays.fill(values, Float.NaN);
    int[] labels = point.labels() ? new int[units] : NONE;
    Arrays.fill(labels, -1);
    return new Scores(values, labels, NONE, null);
  }

  /** Writes the logits of units, one after the other, in the buffer's byte order. */
  public void output(
      int[] asked, Reading reading, Scores scores, ByteBuffer into, BufferPool pool) {
    Head head = point.head();
    if (head == null) {
      throw new IllegalStateException("nothing answers behind this stage");
    }
    int outputs = head.outputs();
    int bytes = Math.multiplyExact(asked.length, 4 * outputs);
    FloatBuffer answers = into.slice(into.position(), bytes).order(into.order()).asFloatBuffer();
    if (!kept(asked, scores, outputs, answers)) {
      Units units = units(reading.packing());
      run(
          present(sessions.head()),
          "logits",
          outputs,
          asked,
          units.length(),
          (unit, vectors, at) -> units.vector(unit, reading.body(), vectors, at),
          (logits, from, count) -> answers.put(logits.slice(0, count * outputs)),
          pool);
    }
    into.position(into.position() + bytes);
  }

  private Units units(Packing packing) {
    return new Units(packing, point.pool(), width, most);
  }

  private void saturation(
      Units units, int[] scored, Reading reading, float[] values, BufferPool pool) {
    FloatBuffer entered = reading.entered();
    if (entered == null) {
      return;
    }
    int length = units.length();
    try (Scope scope = new Scope(pool)) {
      FloatBuffer before = scope.rows(1, length);
      FloatBuffer after = scope.rows(1, length);
      for (int unit : scored) {
        units.vector(unit, entered, before, 0);
        units.vector(unit, reading.rows(), after, 0);
        values[unit] = (float) Figures.cosine(before, after, length);
      }
    }
  }

  /** A score of one vector takes the mean where a head takes all rows. */
  private void learned(int[] scored, Reading reading, float[] values, BufferPool pool) {
    Head.Pool vector = point.pool() == Head.Pool.FLATTEN ? Head.Pool.MEAN : point.pool();
    Units units = new Units(reading.packing(), vector, width, most);
    run(
        present(sessions.learned()),
        "score",
        1,
        scored,
        width,
        (unit, vectors, at) -> units.vector(unit, reading.rows(), vectors, at),
        (found, from, count) -> {
          for (int i = 0; i < count; i++) {
            values[scored[from + i]] = found.get(i);
          }
        },
        pool);
  }

  private Scores ofLogits(
      Criterion.Score how,
      Units units,
      int[] scored,
      Reading reading,
      Scores into,
      BufferPool pool) {
    boolean chooses = point instanceof Point.AtChoice;
    int outputs =
        point instanceof Point.AtChoice at ? at.depths() : present(point.head()).outputs();
    long size = chooses ? 0 : (long) scored.length * outputs;
    Lent keep = size > 0 && size <= MOST_KEPT ? pool.take(size) : null;
    boolean complete = false;
    try {
      run(
          present(chooses ? sessions.learned() : sessions.head()),
          "logits",
          outputs,
          scored,
          chooses ? width : units.length(),
          (unit, vectors, at) -> read(units, unit, chooses, reading, vectors, at),
          (logits, from, count) -> {
            score(how, outputs, logits, scored, from, count, into, pool);
            if (keep != null) {
              keep.floats().put(from * outputs, logits, 0, count * outputs);
            }
          },
          pool);
      complete = true;
      return new Scores(into.values(), into.labels(), scored, keep);
    } finally {
      if (!complete && keep != null) {
        pool.give(keep);
      }
    }
  }

  private void read(
      Units units, int unit, boolean chooses, Reading reading, FloatBuffer into, int at) {
    if (point instanceof Point.AtChoice choice
        && choice.choice().from() == DepthChoice.From.MEMORY) {
      float[][] memory = reading.memory();
      into.put(at, present(memory == null ? null : memory[unit]));
    } else {
      units.vector(unit, chooses ? reading.rows() : reading.body(), into, at);
    }
  }

  private void score(
      Criterion.Score how,
      int outputs,
      FloatBuffer logits,
      int[] scored,
      int from,
      int count,
      Scores into,
      BufferPool pool) {
    for (int i = 0; point.labels() && i < count; i++) {
      into.labels()[scored[from + i]] = Figures.best(logits, i * outputs, outputs);
    }
    if (how == Criterion.Score.PATIENCE) {
      return;
    }
    float[] z = new float[outputs];
    try (Scope scope = new Scope(pool);
        Call call = sessions.score() == null ? null : sessions.score().call()) {
      FloatBuffer found = scope.rows(count, 1);
      if (call != null) {
        call.in("logits", logits, 0, count, outputs).out("score", found, 0, count, 1).run();
      } else if (how != Criterion.Score.ENTROPY) {
        throw new AssertionError(how);
      }
      for (int i = 0; i < count; i++) {
        if (call == null) {
          logits.get(i * outputs, z);
          found.put(i, (float) Figures.entropy(z));
        }
        into.values()[scored[from + i]] = found.get(i);
      }
    }
  }

  /** Copies logits that were kept; returns false where one of the units has none. */
  private static boolean kept(int[] asked, Scores scores, int outputs, FloatBuffer answers) {
    Lent logits = scores.logits();
    if (logits == null) {
      return false;
    }
    for (int i = 0; i < asked.length; i++) {
      int at = Arrays.binarySearch(scores.units(), asked[i]);
      if (at < 0) {
        return false;
      }
      answers.put(i * outputs, logits.floats(), at * outputs, outputs);
    }
    return true;
  }

  private static void run(
      Session session,
      String output,
      int outputs,
      int[] units,
      int length,
      Vectors vectors,
      Portion portion,
      BufferPool pool) {
    int most = Math.max(1, MOST_NUMBERS / Math.max(length, outputs));
    for (int from = 0; from < units.length; from += most) {
      int count = Math.min(most, units.length - from);
      try (Scope scope = new Scope(pool);
          Call call = session.call()) {
        FloatBuffer x = scope.rows(count, length);
        for (int i = 0; i < count; i++) {
          vectors.write(units[from + i], x, i * length);
        }
        FloatBuffer found = scope.rows(count, outputs);
        call.in("x", x, 0, count, length).out(output, found, 0, count, outputs).run();
        portion.take(found, from, count);
      }
    }
  }

  private static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new AssertionError("a part of this point was not loaded");
    }
    return value;
  }

  private interface Vectors {
    void write(int unit, FloatBuffer into, int at);
  }

  private interface Portion {
    void take(FloatBuffer found, int from, int count);
  }
}
