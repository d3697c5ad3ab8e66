package anabranch.onnx.step;

import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.graph.Step;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;

/** Token-wise layers. Thread-safe. */
final class TokenwiseStep implements LoadedStep {
  private final Step.Tokenwise step;
  private final Session session;

  TokenwiseStep(Step.Tokenwise step, Session session) {
    this.step = step;
    this.session = session;
  }

  @Override
  public void take(StageRun run) {
    int live = run.packing.live;
    if (live == 0) {
      return;
    }
    int width = run.width;
    try (Call call = session.call()) {
      if (step.reads()) {
        call.in("x", run.x(), 0, live, width);
      }
      if (step.update() > 0) {
        call.in("u", run.update(), 0, live, step.update());
      }
      if (step.moves()) {
        call.out("h", run.spare(), 0, live, width);
      }
      if (step.normed()) {
        call.out("n", run.normed(), 0, live, width);
      }
      if (step.logits() > 0) {
        call.out("logits", run.newLogits(live, step.logits()), 0, live, step.logits());
      }
      call.run();
    }
    if (step.moves()) {
      run.move();
    }
  }
}
