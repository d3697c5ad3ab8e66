package anabranch.samples.next;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource.NumberSequenceSplit;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiter;

/**
 * Holds half of the bytes back until there is a checkpoint, so that the failure on purpose comes
 * between bytes that are in it and bytes that are not. Confined to a task.
 */
final class Gate implements RateLimiter<NumberSequenceSplit> {
  private final String job;
  private final int free;
  private final CompletableFuture<Void> checkpointed = new CompletableFuture<>();
  private int passed;

  Gate(String job, int free) {
    this.job = job;
    this.free = free;
  }

  @Override
  public CompletionStage<Void> acquire(int count) {
    passed += count;
    return passed <= free || Stumble.falls(job) > 0
        ? CompletableFuture.completedFuture(null)
        : checkpointed;
  }

  @Override
  public void notifyCheckpointComplete(long id) {
    checkpointed.complete(null);
  }
}
