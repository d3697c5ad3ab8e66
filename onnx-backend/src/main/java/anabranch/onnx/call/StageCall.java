package anabranch.onnx.call;

import anabranch.backend.Trace;
import anabranch.model.plan.GraphRank;
import anabranch.model.route.Logits;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.OnnxState;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is common to all that one call of a stage does. A stage uses it again: from {@link #begin}
 * to {@link #close} it is confined to one thread, and then knows nothing of the call any more.
 */
public final class StageCall implements AutoCloseable {
  private static final OnnxState[] NO_STATES = {};

  /** What sequences keep. */
  public final Layout layout;

  /** Lends buffers. */
  public final BufferPool pool;

  /** The length of a hidden vector. */
  public final int width;

  /** The attention that somebody asks about; null for none. */
  public final @Nullable Received asked;

  /** Buffers that live as long as the call. */
  public final Scope scope;

  private final StageRun whole;
  private int slot;
  private Packing batch = Packing.NOTHING;
  private @Nullable List<Trace.Choices> choices;
  private float @Nullable [] received;
  private float @Nullable [] @Nullable [] shown;
  private @Nullable OnnxState[] lasting = NO_STATES;
  private @Nullable OnnxState @Nullable [] passing;

  /** What steps made for later ones, by those who read it. */
  private @Nullable Map<Object, Ahead> ahead;

  /** What routers remember of live rows, by name. */
  private @Nullable Map<String, float[]> carried;

  /**
   * Creates the calls of a stage, one after the other.
   *
   * @param asked the attention that somebody asks about; null for none
   */
  public StageCall(Layout layout, BufferPool pool, int width, @Nullable Received asked) {
    this.layout = layout;
    this.pool = pool;
    this.width = width;
    this.asked = asked;
    scope = new Scope(pool);
    whole = new StageRun(this, scope);
  }

  /**
   * Begins a call.
   *
   * @param step of the plan
   * @param rows all of them
   * @param states the state of each span; null where none outlives the call; empty where none does
   * @param trace whether decisions are collected
   */
  public void begin(int step, Packing rows, @Nullable OnnxState[] states, boolean trace) {
    slot = step;
    batch = rows;
    lasting = states;
    choices = trace ? new ArrayList<>() : null;
    received = asked == null ? null : new float[rows.rows];
    shown = asked == null || !asked.keys() ? null : new float[rows.rows][];
  }

  /**
   * Starts a run of all rows on the buffers of this call; the one before is over then.
   *
   * @param visit the number of the visit in its stage
   * @param member the number of the block's run in its stage
   * @param x hidden vectors by place, overwritten
   */
  public StageRun run(int visit, int member, FloatBuffer x) {
    whole.begin(batch, visit, member, x);
    return whole;
  }

  /** Returns the step of the plan. */
  public int slot() {
    return slot;
  }

  /** Returns all rows of the call. */
  public Packing batch() {
    return batch;
  }

  /** Returns what collects decisions; null where nobody asked. */
  public @Nullable List<Trace.Choices> choices() {
    return choices;
  }

  /** Returns what each row received in the attention that was asked for; null where none was. */
  public float @Nullable [] received() {
    return received;
  }

  /** Returns the keys that each row showed in it; null where nobody compares them. */
  public float @Nullable [] @Nullable [] shown() {
    return shown;
  }

  /**
   * Names an attention of a stage.
   *
   * @param member the number of its block's run
   * @param path of its parameters
   * @param rank how rows are ranked by what they give in it; null for what they receive
   * @param keys whether the keys that they show are compared
   */
  public record Received(int member, String path, @Nullable GraphRank rank, boolean keys) {}

  /** Returns the state of a span: its own, or one that ends with this call. */
  public OnnxState state(int span) {
    OnnxState own = lasting.length == 0 ? null : lasting[span];
    if (own != null) {
      return own;
    }
    @Nullable OnnxState[] known = passing;
    if (known == null) {
      known = new @Nullable OnnxState[batch.spans.size()];
      passing = known;
    }
    OnnxState state = known[span];
    if (state == null) {
      state = new OnnxState(layout, pool);
      known[span] = state;
    }
    return state;
  }

  /**
   * Adds what live rows carry to their logits, or replaces them, and remembers them, as is said.
   */
  public void carry(Logits logits, FloatBuffer z, int count) {
    if (logits instanceof Logits.Recalled recalled) {
      z.put(0, remembered(recalled.from(), count));
    } else if (logits instanceof Logits.Accumulated sum) {
      float[] own = new float[count];
      z.get(0, own);
      float[] before = sum.from() == null ? new float[count] : remembered(sum.from(), count);
      for (int i = 0; i < count; i++) {
        own[i] = Math.max(0, own[i]) + before[i];
      }
      z.put(0, own);
      Map<String, float[]> all = carried == null ? new HashMap<>() : carried;
      all.put(sum.as(), own);
      carried = all;
    }
  }

  private float[] remembered(String name, int count) {
    float[] found = carried == null ? null : carried.get(name);
    if (found == null || found.length != count) {
      throw new AssertionError("live rows carry no " + count + " numbers named " + name);
    }
    return found;
  }

  /**
   * Queries, keys and values that were made before their attention's turn.
   *
   * @param scope of the buffers, closed by who reads them
   * @param q by place, of live rows
   * @param k by place, of rows that show some
   * @param v like k
   */
  public record Ahead(Scope scope, FloatBuffer q, FloatBuffer k, FloatBuffer v) {}

  /** Keeps what was made for a later step. */
  public void leave(Object reader, Ahead made) {
    Map<Object, Ahead> all = ahead == null ? new IdentityHashMap<>() : ahead;
    all.put(reader, made);
    ahead = all;
  }

  /** Hands over what was made for a step, which closes its scope. */
  public Ahead take(Object reader) {
    Ahead made = ahead == null ? null : ahead.remove(reader);
    if (made == null) {
      throw new AssertionError("nothing was made for " + reader);
    }
    return made;
  }

  /** Returns whether somebody asks what the rows receive in an attention. */
  public boolean asks(int member, String path) {
    return asked != null && asked.member() == member && asked.path().equals(path);
  }

  /** Gives every buffer back. */
  @Override
  public void close() {
    if (ahead != null) {
      ahead.values().forEach(made -> made.scope().close());
      ahead = null;
    }
    @Nullable OnnxState[] known = passing;
    passing = null;
    for (int span = 0; known != null && span < known.length; span++) {
      OnnxState state = known[span];
      if (state != null) {
        state.close();
      }
    }
    whole.end();
    scope.close();
    batch = Packing.NOTHING;
    lasting = NO_STATES;
    choices = null;
    received = null;
    shown = null;
    carried = null;
  }
}
