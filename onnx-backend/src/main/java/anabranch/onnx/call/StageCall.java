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

/** What is common to all that one call of a stage does. Confined to one thread. */
public final class StageCall implements AutoCloseable {
  /** What sequences keep. */
  public final Layout layout;

  /** Lends buffers. */
  public final BufferPool pool;

  /** The step of the plan. */
  public final int slot;

  /** The length of a hidden vector. */
  public final int width;

  /** All rows of the call. */
  public final Packing batch;

  /** Collects decisions; null where nobody asked. */
  public final @Nullable List<Trace.Choices> choices;

  /** What each row received in the attention that was asked for; null where none was. */
  public final float @Nullable [] received;

  /** The keys that each row showed in it; null where nobody compares them. */
  public final float @Nullable [] @Nullable [] shown;

  /** The attention that somebody asks about; null for none. */
  public final @Nullable Received asked;

  private final @Nullable OnnxState[] lasting;
  private @Nullable OnnxState @Nullable [] passing;

  /** What steps made for later ones, by those who read it. */
  private @Nullable Map<Object, Ahead> ahead;

  /** What routers remember of live rows, by name. */
  private @Nullable Map<String, float[]> carried;

  /**
   * Begins a call.
   *
   * @param slot the step of the plan
   * @param batch all rows
   * @param lasting the state of each span; null where none outlives the call
   * @param trace whether decisions are collected
   * @param asked the attention that somebody asks about; null for none
   */
  public StageCall(
      Layout layout,
      BufferPool pool,
      int width,
      int slot,
      Packing batch,
      @Nullable OnnxState[] lasting,
      boolean trace,
      @Nullable Received asked) {
    this.layout = layout;
    this.pool = pool;
    this.width = width;
    this.slot = slot;
    this.batch = batch;
    this.lasting = lasting;
    this.asked = asked;
    choices = trace ? new ArrayList<>() : null;
    received = asked == null ? null : new float[batch.rows];
    shown = asked == null || !asked.keys() ? null : new float[batch.rows][];
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
    OnnxState own = lasting[span];
    if (own != null) {
      return own;
    }
    @Nullable OnnxState[] known = passing;
    if (known == null) {
      known = new @Nullable OnnxState[lasting.length];
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

  @Override
  public void close() {
    if (ahead != null) {
      ahead.values().forEach(made -> made.scope().close());
    }
    @Nullable OnnxState[] known = passing;
    for (int span = 0; known != null && span < known.length; span++) {
      OnnxState state = known[span];
      if (state != null) {
        state.close();
      }
    }
  }
}
