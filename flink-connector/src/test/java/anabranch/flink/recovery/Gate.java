package anabranch.flink.recovery;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource.NumberSequenceSplit;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiter;

/** Lets the records of a source pass when a test says so. Confined to the source's reader. */
public final class Gate implements RateLimiter<NumberSequenceSplit> {
  private final IntPredicate atOnce;
  private final IntPredicate open;
  private final Runnable checkpointed;
  private int passed;

  /**
   * Creates a gate; both conditions are asked with how many records have come.
   *
   * @param atOnce which of them do not wait
   * @param open which of the others pass, one each millisecond; those behind wait for them
   * @param checkpointed runs when a checkpoint is complete
   */
  public Gate(IntPredicate atOnce, IntPredicate open, Runnable checkpointed) {
    this.atOnce = atOnce;
    this.open = open;
    this.checkpointed = checkpointed;
  }

  @Override
  public CompletionStage<Void> acquire(int count) {
    passed += count;
    return atOnce.test(passed) ? CompletableFuture.completedFuture(null) : untilOpen(passed);
  }

  private CompletionStage<Void> untilOpen(int number) {
    return CompletableFuture.runAsync(
            () -> {}, CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS))
        .thenCompose(
            waited ->
                open.test(number) ? CompletableFuture.completedFuture(null) : untilOpen(number));
  }

  @Override
  public void notifyCheckpointComplete(long id) {
    checkpointed.run();
  }
}
