package anabranch.onnx.run;

import anabranch.backend.Activations;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.onnx.head.Reading;
import anabranch.onnx.head.Scores;
import anabranch.onnx.rows.OnnxRows;
import anabranch.onnx.rows.Packing;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/** What a call of a stage produced; answers are what was scored, or computed from its rows. */
final class OnnxResult implements StageResult {
  private final OnnxStage stage;
  private final Packing packing;
  private final OnnxRows rows;
  private final OnnxRows body;
  private final Scores scores;
  private final Trace trace;
  private boolean closed;

  OnnxResult(
      OnnxStage stage, Packing packing, OnnxRows rows, OnnxRows body, Scores scores, Trace trace) {
    this.stage = stage;
    this.packing = packing;
    this.rows = rows;
    this.body = body;
    this.scores = scores;
    this.trace = trace;
    rows.retain();
    body.retain();
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
    return IntBuffer.wrap(scores.labels()).asReadOnlyBuffer();
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
    OnnxModel model = stage.model();
    model.enter();
    try {
      Reading reading = new Reading(packing, rows.buffer(), body.buffer(), null, null, null, null);
      stage.point().output(units, reading, scores, into, model.pool());
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
      body.release();
      scores.release(stage.model().pool());
    }
  }
}
