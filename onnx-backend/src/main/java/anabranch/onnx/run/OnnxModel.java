package anabranch.onnx.run;

import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Stage;
import anabranch.backend.StateImage;
import anabranch.model.ModelSpec;
import anabranch.onnx.crew.Crew;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Session;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.OnnxState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model. Thread-safe; calls that run when it is closed finish first, and the last of them
 * frees the sessions.
 */
public final class OnnxModel implements LoadedModel {
  /** What the pool keeps for later calls; buffers in use are not counted. */
  private static final long KEPT_BYTES = 256L << 20;

  private final ModelSpec spec;
  private Numerics numerics;
  private final BufferPool pool = new BufferPool(KEPT_BYTES);
  private final Layout layout;
  private final Crew crew;
  private List<OnnxStage> stages = List.of();
  private List<Session> sessions = List.of();
  private @Nullable Memories memories;
  private int running;
  private boolean closed;

  OnnxModel(ModelSpec spec, Numerics numerics, Layout layout, Crew crew) {
    this.spec = spec;
    this.numerics = numerics;
    this.layout = layout;
    this.crew = crew;
  }

  /**
   * Takes over what was loaded, before anybody uses this model; needs the crew until it is closed.
   */
  void take(
      List<OnnxStage> loaded, @Nullable Memories memory, List<Session> opened, List<String> notes) {
    numerics = numerics.and(notes);
    stages = List.copyOf(loaded);
    memories = memory;
    sessions = List.copyOf(opened);
    crew.hire();
  }

  BufferPool pool() {
    return pool;
  }

  /** Returns the bytes of all direct buffers made for calls: constant once calls are warm. */
  public long madeBytes() {
    return pool.madeBytes();
  }

  /** Returns how many graphs the model is. */
  public int graphs() {
    return sessions.size();
  }

  /** Returns how often graphs were called, all stages and callers together. */
  public long calls() {
    return sessions.stream().mapToLong(Session::calls).sum();
  }

  Layout layout() {
    return layout;
  }

  synchronized void enter() {
    if (closed) {
      throw new IllegalStateException("model \"" + spec.name() + "\" is closed");
    }
    running++;
  }

  void leave() {
    synchronized (this) {
      running--;
      if (running > 0 || !closed) {
        return;
      }
    }
    free();
  }

  @Override
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public Numerics numerics() {
    return numerics;
  }

  @Override
  public List<Stage> stages() {
    return List.copyOf(stages);
  }

  /** States without memory are for models that have no encoder, and for the encoder's own event. */
  @Override
  public SequenceState newState(@Nullable Rows memory) {
    Memories maker = memories;
    if (memory != null && maker == null) {
      throw new IllegalArgumentException(
          "model \"" + spec.name() + "\" has no encoder whose rows could be memory");
    }
    enter();
    try {
      OnnxState state = new OnnxState(layout, pool);
      if (memory != null && maker != null) {
        boolean complete = false;
        try {
          maker.write(memory, state, pool);
          complete = true;
        } finally {
          if (!complete) {
            state.close();
          }
        }
      }
      return state;
    } finally {
      leave();
    }
  }

  @Override
  public SequenceState restore(StateImage image) {
    enter();
    try {
      return OnnxState.restore(layout, pool, image);
    } finally {
      leave();
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      if (running > 0) {
        return;
      }
    }
    free();
  }

  private void free() {
    crew.dismiss();
    sessions.forEach(Session::close);
    pool.close();
  }
}
