package anabranch.flink.keyed;

import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Waits for an engine, but not for ever: one that hangs is given up. Confined to the task's thread.
 */
final class Patience {
  private final ModelRecipe recipe;
  private final EngineLease lease;
  private final Duration most;

  Patience(ModelRecipe recipe, EngineLease lease, Duration most) {
    this.recipe = recipe;
    this.lease = lease;
    this.most = most;
  }

  /**
   * Returns what a future says.
   *
   * @throws CompletionException with what it failed with
   * @throws TimeoutException if it took too long
   */
  <T> T await(CompletableFuture<T> future) throws TimeoutException, InterruptedException {
    try {
      return future.get(most.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException failed) {
      throw new CompletionException(failed.getCause());
    } catch (TimeoutException late) {
      throw lost("settle a sequence");
    }
  }

  /** Gives the engine up; returns what to throw. */
  TimeoutException lost(String what) {
    lease.abandon();
    return new TimeoutException(recipe + " did not " + what + " within " + most);
  }
}
