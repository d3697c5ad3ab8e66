package anabranch.conformance.faulty;

import anabranch.backend.Activations;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;

/** A result passed on: override what is told wrongly. */
class Told implements StageResult {
  final StageResult result;

  Told(StageResult result) {
    this.result = result;
  }

  @Override
  public Activations rows() {
    return result.rows();
  }

  @Override
  public FloatBuffer scores() {
    return result.scores();
  }

  @Override
  public IntBuffer labels() {
    return result.labels();
  }

  @Override
  public void output(int[] units, ByteBuffer into) {
    result.output(units, into);
  }

  @Override
  public Trace trace() {
    return result.trace();
  }

  @Override
  public void close() {
    result.close();
  }

  /** Changes what is told of routers. */
  static StageResult choices(StageResult result, UnaryOperator<List<Trace.Choices>> change) {
    return new Told(result) {
      @Override
      public Trace trace() {
        return new Trace(change.apply(super.trace().choices()));
      }
    };
  }

  /** Changes every logit that is written. */
  static StageResult logits(StageResult result, DoubleUnaryOperator change) {
    return new Told(result) {
      @Override
      public void output(int[] units, ByteBuffer into) {
        int start = into.position();
        super.output(units, into);
        for (int at = start; at < into.position(); at += 4) {
          into.putFloat(at, (float) change.applyAsDouble(into.getFloat(at)));
        }
      }
    };
  }

  /** Rounds what is written to multiples of a share of its largest number. */
  static StageResult rounded(StageResult result) {
    return new Told(result) {
      @Override
      public void output(int[] units, ByteBuffer into) {
        int start = into.position();
        super.output(units, into);
        float most = 0;
        for (int at = start; at < into.position(); at += 4) {
          most = Math.max(most, Math.abs(into.getFloat(at)));
        }
        float step = Math.scalb(most, -21);
        for (int at = start; at < into.position(); at += 4) {
          into.putFloat(at, step == 0 ? 0 : Math.round(into.getFloat(at) / step) * step);
        }
      }
    };
  }
}
