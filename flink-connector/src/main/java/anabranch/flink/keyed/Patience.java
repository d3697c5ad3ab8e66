package anabranch.flink.keyed;

import anabranch.flink.step.Share;
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
  private final Share share;
  private final Duration most;

  Patience(Share share, Duration most) {
    this.share = share;
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
    return share.lost(what, most);
  }
}
