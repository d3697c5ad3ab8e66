package anabranch.onnx.run;

import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Stage;
import anabranch.model.ModelSpec;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.memory.BufferPool;
import java.util.ArrayList;
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
  private final Numerics numerics;
  private final BufferPool pool = new BufferPool(KEPT_BYTES);
  private final List<OnnxStage> stages = new ArrayList<>();
  private final List<AttentionCore> shared = new ArrayList<>();
  private int running;
  private boolean closed;

  OnnxModel(ModelSpec spec, Numerics numerics) {
    this.spec = spec;
    this.numerics = numerics;
  }

  void add(OnnxStage stage) {
    stages.add(stage);
  }

  /** Takes over what stages share. */
  void share(AttentionCore core) {
    shared.add(core);
  }

  BufferPool pool() {
    return pool;
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

  @Override
  public SequenceState newState(@Nullable Rows memory) {
    if (memory != null) {
      throw new IllegalArgumentException(
          "model \"" + spec.name() + "\" reads no memory of another sequence");
    }
    enter();
    try {
      return new OnnxState(this);
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
    stages.forEach(OnnxStage::close);
    shared.forEach(AttentionCore::close);
    pool.close();
  }
}
