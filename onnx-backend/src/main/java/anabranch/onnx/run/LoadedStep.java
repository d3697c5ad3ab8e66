package anabranch.onnx.run;

import anabranch.onnx.attention.Angles;
import anabranch.onnx.attention.AttentionCore;
import anabranch.onnx.graph.Step;
import anabranch.onnx.session.Session;
import org.jspecify.annotations.Nullable;

/** A step with its sessions. Thread-safe. */
sealed interface LoadedStep extends AutoCloseable {
  @Override
  void close();

  /**
   * An attention.
   *
   * @param ordinal its number among the attentions of the stage
   * @param core shared with attentions of the same shape, and closed by the model
   * @param angles rotary positions; null for none
   */
  record Attend(
      Step.Attend step,
      int ordinal,
      Session keysAndValues,
      Session query,
      AttentionCore core,
      @Nullable Angles angles)
      implements LoadedStep {
    @Override
    public void close() {
      keysAndValues.close();
      query.close();
    }
  }

  /** Token-wise layers. */
  record Tokenwise(Step.Tokenwise step, Session session) implements LoadedStep {
    @Override
    public void close() {
      session.close();
    }
  }

  /** A mixture. */
  record Mix(Step.Mix step, Experts experts) implements LoadedStep {
    @Override
    public void close() {
      experts.close();
    }
  }
}
