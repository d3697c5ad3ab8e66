package anabranch.onnx.joined;

import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageCall;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.step.AttendStep;
import anabranch.onnx.step.Shown;
import java.nio.FloatBuffer;

/** The core of an attention, whose queries, keys and values a joined graph left. Thread-safe. */
final class CoreStep implements LoadedStep {
  private final AttendStep attention;
  private final int length;

  /**
   * Creates a step.
   *
   * @param length of what the heads of a row read
   */
  CoreStep(AttendStep attention, int length) {
    this.attention = attention;
    this.length = length;
  }

  @Override
  public void take(StageRun run) {
    StageCall.Ahead made = run.call.take(this);
    try (Scope ignored = made.scope()) {
      FloatBuffer o = run.newUpdate(length);
      attention.attend(run, made.q(), new Shown(made.k(), made.v()), o);
    }
  }
}
