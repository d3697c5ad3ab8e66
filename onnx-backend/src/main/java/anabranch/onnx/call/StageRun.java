package anabranch.onnx.call;

import anabranch.onnx.attention.Angles;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.state.Layout;
import java.nio.FloatBuffer;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Some rows of a call on their way through steps; steps run others on fewer rows within it. That of
 * all rows is used again by the next call. Confined to one thread.
 */
public final class StageRun {
  private static final FloatBuffer NOTHING = FloatBuffer.allocate(0);

  /** The call. */
  public final StageCall call;

  /** The rows, and where they stand. */
  public Packing packing = Packing.NOTHING;

  /** The length of a hidden vector. */
  public final int width;

  /** Buffers that live as long as this run. */
  public final Scope scope;

  /** The number of the visit in its stage. */
  private int visit;

  /** The number of the block's run in its stage. */
  private int member;

  private @Nullable Map<Angles, FloatBuffer[]> angles;

  /** Hidden vectors by place; those of rows that are not live are the same in both. */
  private FloatBuffer x = NOTHING;

  private FloatBuffer spare = NOTHING;
  private @Nullable FloatBuffer normed;
  private @Nullable FloatBuffer logits;
  private @Nullable FloatBuffer update;

  /**
   * Starts a run.
   *
   * @param packing the rows that run
   * @param scope of the buffers, which outlives the run
   * @param visit the number of the visit in its stage
   * @param member the number of the block's run in its stage
   * @param x hidden vectors by place, overwritten
   */
  public StageRun(
      StageCall call, Packing packing, Scope scope, int visit, int member, FloatBuffer x) {
    this(call, scope);
    begin(packing, visit, member, x);
  }

  /** Creates a run that has no rows yet. */
  StageRun(StageCall call, Scope scope) {
    this.call = call;
    this.scope = scope;
    this.width = call.width;
  }

  /** Starts, as if this run were a new one. */
  void begin(Packing rows, int nextVisit, int nextMember, FloatBuffer vectors) {
    end();
    packing = rows;
    visit = nextVisit;
    member = nextMember;
    x = vectors;
    spare = scope.rows(packing.rows, width);
    int frozen = packing.rows - packing.live;
    spare.put(packing.live * width, x, packing.live * width, frozen * width);
  }

  /** Lets go of the rows and of every buffer. */
  void end() {
    packing = Packing.NOTHING;
    angles = null;
    x = NOTHING;
    spare = NOTHING;
    normed = null;
    logits = null;
    update = null;
  }

  /** Runs steps and returns the hidden vectors by place. */
  public FloatBuffer through(List<LoadedStep> steps) {
    for (int i = 0; i < steps.size(); i++) {
      steps.get(i).take(this);
    }
    return x;
  }

  /** Runs another block with the same rows and the same buffers. */
  public FloatBuffer through(List<LoadedStep> steps, int nextVisit, int nextMember) {
    visit = nextVisit;
    member = nextMember;
    return through(steps);
  }

  /** Returns the number of the visit in its stage. */
  public int visit() {
    return visit;
  }

  /** Returns the number of the block's run in its stage. */
  public int member() {
    return member;
  }

  /** Returns what is kept for an operation of this run. */
  public Layout.Entry entry(String path) {
    return call.layout.entry(call.slot(), member, path);
  }

  /** Returns the hidden vectors by place. */
  public FloatBuffer x() {
    return x;
  }

  /** Returns where the next hidden vectors of live rows are written, before {@link #move}. */
  public FloatBuffer spare() {
    return spare;
  }

  /** Makes what was written to {@link #spare} the hidden vectors. */
  public void move() {
    FloatBuffer moved = spare;
    spare = x;
    x = moved;
  }

  /** Returns the normed vectors by place, written by one step and read by the next. */
  public FloatBuffer normed() {
    FloatBuffer buffer = normed == null ? scope.rows(packing.rows, width) : normed;
    normed = buffer;
    return buffer;
  }

  /** Returns room for the logits of live rows: that of the logits before, which are over. */
  public FloatBuffer newLogits(int rows, int count) {
    FloatBuffer buffer = again(logits, rows, count);
    logits = buffer;
    return buffer;
  }

  /** Returns the logits that the step before left. */
  public @Nullable FloatBuffer logits() {
    return logits;
  }

  /**
   * Returns room for an update of each live row, for the next step to finish: that of the update
   * before, which is finished.
   */
  public FloatBuffer newUpdate(int length) {
    FloatBuffer buffer = again(update, packing.live, length);
    update = buffer;
    return buffer;
  }

  private FloatBuffer again(@Nullable FloatBuffer before, int rows, int length) {
    return before != null && before.capacity() >= (long) rows * length
        ? before
        : scope.rows(rows, length);
  }

  /** Returns the update that the step before left. */
  public FloatBuffer update() {
    if (update == null) {
      throw new AssertionError("a step left nothing to finish");
    }
    return update;
  }

  /** Returns cosines and sines by place. */
  public FloatBuffer[] angles(Angles turned) {
    Map<Angles, FloatBuffer[]> known = angles;
    if (known == null) {
      known = new IdentityHashMap<>(2);
      angles = known;
    }
    return known.computeIfAbsent(
        turned,
        a -> {
          FloatBuffer cos = scope.rows(packing.rows, a.pairs());
          FloatBuffer sin = scope.rows(packing.rows, a.pairs());
          a.write(packing.positions(), cos, sin);
          return new FloatBuffer[] {cos, sin};
        });
  }
}
