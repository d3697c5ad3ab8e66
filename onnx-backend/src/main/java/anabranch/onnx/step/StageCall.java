package anabranch.onnx.step;

import anabranch.backend.Trace;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.OnnxState;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is common to all that one call of a stage does. Confined to one thread. */
public final class StageCall implements AutoCloseable {
  final Layout layout;
  final BufferPool pool;
  final int slot;

  /** The length of a hidden vector. */
  public final int width;

  /** All rows of the call. */
  final Packing batch;

  /** Collects decisions; null where nobody asked. */
  public final @Nullable List<Trace.Choices> choices;

  /** What each row received in the attention that was asked for; null where none was. */
  public final float @Nullable [] received;

  private final @Nullable Received asked;
  private final @Nullable OnnxState[] lasting;
  private final @Nullable OnnxState[] passing;

  /**
   * Begins a call.
   *
   * @param slot the step of the plan
   * @param batch all rows
   * @param lasting the state of each span; null where none outlives the call
   * @param trace whether decisions are collected
   * @param asked the attention whose probabilities are summed; null for none
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
    passing = new @Nullable OnnxState[lasting.length];
  }

  /**
   * Names an attention of a stage.
   *
   * @param member the number of its block's run
   * @param path of its parameters
   */
  public record Received(int member, String path) {}

  /** Returns the state of a span: its own, or one that ends with this call. */
  OnnxState state(int span) {
    OnnxState state = lasting[span] == null ? passing[span] : lasting[span];
    if (state == null) {
      state = new OnnxState(layout, pool);
      passing[span] = state;
    }
    return state;
  }

  /** Returns whether somebody asks what the rows receive in an attention. */
  boolean asks(int member, String path) {
    return asked != null && asked.member() == member && asked.path().equals(path);
  }

  @Override
  public void close() {
    for (OnnxState state : passing) {
      if (state != null) {
        state.close();
      }
    }
  }
}
