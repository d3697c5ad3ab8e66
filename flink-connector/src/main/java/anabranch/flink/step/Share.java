package anabranch.flink.step;

import anabranch.engine.Lease;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.apache.flink.annotation.Internal;

/**
 * What an operator has of one model while it holds it. Confined to the task's thread.
 *
 * @param recipe what the model is loaded from
 * @param engine its engine, which others share
 * @param lease the operator's share in it
 * @param metrics what counts the answers of this model
 */
@Internal
public record Share(ModelRecipe recipe, EngineLease engine, Lease lease, InferenceMetrics metrics) {
  /** Gives up the engine, which did not do something in time; returns what to throw. */
  public TimeoutException lost(String what, Duration within) {
    engine.abandon();
    return new TimeoutException(recipe + " did not " + what + " within " + within);
  }

  /** Gives everything back; closing twice is harmless. Metrics go on to show what was counted. */
  public void close() {
    lease.close();
    engine.close();
  }
}
