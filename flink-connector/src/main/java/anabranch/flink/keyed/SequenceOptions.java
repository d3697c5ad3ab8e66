package anabranch.flink.keyed;

import anabranch.error.Bounds;
import anabranch.flink.keyed.state.SequenceHeader;
import java.io.Serializable;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How an operator keeps sequences.
 *
 * @param maxHeld most records and control elements that arrived and are not yet emitted, in
 *     1..1,000,000
 * @param timeout how long the oldest record may take, 1 millisecond to 1 day
 * @param cacheBytes most bytes of open sequences that wait for records, at least 0
 * @param ttl how long a sequence is kept behind its last record, 1 millisecond to 3650 days; of one
 *     that was written while there was none, only its next record asks; null for ever
 * @param dropDuplicates whether a record with a number that was there is dropped, or fails the task
 * @param gap what becomes of a key of which a number is missing
 * @param broken what becomes of a key whose sequence broke
 * @param discardState whether state that does not fit the model is discarded, or fails the task
 * @param maxModels most models held at once, in 2..16
 */
record SequenceOptions(
    int maxHeld,
    Duration timeout,
    long cacheBytes,
    @Nullable Duration ttl,
    boolean dropDuplicates,
    Continuation gap,
    Continuation broken,
    boolean discardState,
    int maxModels)
    implements Serializable {
  SequenceOptions {
    Bounds.within("sequences.maxHeld", maxHeld, 1, 1_000_000);
    Bounds.within("sequences.maxModels", maxModels, 2, 16);
    Bounds.within("sequences.timeout", timeout, Duration.ofMillis(1), Duration.ofDays(1));
    Bounds.require(cacheBytes >= 0, "sequences.cacheBytes " + cacheBytes + " is below 0");
    if (ttl != null) {
      Bounds.within("sequences.ttl", ttl, Duration.ofMillis(1), Duration.ofDays(3650));
    }
  }

  /** Returns when a sequence expires, in milliseconds of processing time. */
  long due(SequenceHeader header) {
    return ttl == null ? Long.MAX_VALUE : header.touched() + ttl.toMillis();
  }

  /** Returns whether a sequence is forgotten by then. */
  boolean isExpired(SequenceHeader header, long now) {
    return ttl != null && now >= due(header);
  }

  static SequenceOptions defaults() {
    return new SequenceOptions(
        1024,
        Duration.ofMinutes(5),
        64L << 20,
        null,
        true,
        Continuation.FAIL,
        Continuation.FAIL,
        false,
        2);
  }

  SequenceOptions withMaxHeld(int records) {
    return new SequenceOptions(
        records, timeout, cacheBytes, ttl, dropDuplicates, gap, broken, discardState, maxModels);
  }

  SequenceOptions withTimeout(Duration time) {
    return new SequenceOptions(
        maxHeld, time, cacheBytes, ttl, dropDuplicates, gap, broken, discardState, maxModels);
  }

  SequenceOptions withCacheBytes(long bytes) {
    return new SequenceOptions(
        maxHeld, timeout, bytes, ttl, dropDuplicates, gap, broken, discardState, maxModels);
  }

  SequenceOptions withTtl(Duration time) {
    return new SequenceOptions(
        maxHeld, timeout, cacheBytes, time, dropDuplicates, gap, broken, discardState, maxModels);
  }

  SequenceOptions withDropDuplicates(boolean drop) {
    return new SequenceOptions(
        maxHeld, timeout, cacheBytes, ttl, drop, gap, broken, discardState, maxModels);
  }

  SequenceOptions withGap(Continuation then) {
    return new SequenceOptions(
        maxHeld, timeout, cacheBytes, ttl, dropDuplicates, then, broken, discardState, maxModels);
  }

  SequenceOptions withBroken(Continuation then) {
    return new SequenceOptions(
        maxHeld, timeout, cacheBytes, ttl, dropDuplicates, gap, then, discardState, maxModels);
  }

  SequenceOptions withDiscardState(boolean discard) {
    return new SequenceOptions(
        maxHeld, timeout, cacheBytes, ttl, dropDuplicates, gap, broken, discard, maxModels);
  }

  SequenceOptions withMaxModels(int models) {
    return new SequenceOptions(
        maxHeld, timeout, cacheBytes, ttl, dropDuplicates, gap, broken, discardState, models);
  }
}
