package anabranch.onnx.run;

import anabranch.backend.Activations;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/** What a call of a stage produced; answers are what was scored, or computed from its rows. */
final class OnnxResult implements StageResult {
  private final OnnxModel model;
  private final HeadRunner head;
  private final Packing packing;
  private final OnnxRows rows;
  private final HeadRunner.Scores scores;
  private final Trace trace;
  private boolean closed;

  OnnxResult(
      OnnxModel model,
      HeadRunner head,
      Packing packing,
      OnnxRows rows,
      HeadRunner.Scores scores,
      Trace trace) {
    this.model = model;
    this.head = head;
    this.packing = packing;
    this.rows = rows;
    this.scores = scores;
    this.trace = trace;
    rows.retain();
  }

  @Override
  public Activations rows() {
    return rows;
  }

  @Override
  public FloatBuffer scores() {
    return FloatBuffer.wrap(scores.values()).asReadOnlyBuffer();
  }

  @Override
  public IntBuffer labels() {
    return IntBuffer.allocate(0);
  }

  @Override
  public void output(int[] units, ByteBuffer into) {
    if (closed) {
      throw new IllegalStateException("the result is closed");
    }
    for (int unit : units) {
      if (unit < 0 || unit >= scores.values().length) {
        throw new IllegalArgumentException(
            "unit " + unit + " is not in 0.." + (scores.values().length - 1));
      }
    }
    model.enter();
    try {
      head.output(units, packing, rows.buffer(), scores, into, model.pool());
    } finally {
      model.leave();
    }
  }

  @Override
  public Trace trace() {
    return trace;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      rows.release();
      scores.release(model.pool());
    }
  }
}
