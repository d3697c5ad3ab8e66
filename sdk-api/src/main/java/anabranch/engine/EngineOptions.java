package anabranch.engine;

import anabranch.error.Bounds;
import java.io.Serializable;
import java.time.Duration;

/**
 * How an engine gathers work. Immutable; any thread.
 *
 * @param batchRows a batch takes further items while it has fewer rows than this; an item with more
 *     rows still runs, alone; at least 1
 * @param linger how long the first item of a batch waits for company, 0 for not at all
 * @param queueItems how many items may wait before {@code submit} blocks, at least 1
 * @param lanes how many batches run at the same time, in 1..64
 * @param trace whether inferences and listeners say which experts were picked
 */
public record EngineOptions(
    int batchRows, Duration linger, int queueItems, int lanes, boolean trace)
    implements Serializable {
  /** Checks the bounds. */
  public EngineOptions {
    Bounds.atLeast("engine.batchRows", batchRows, 1);
    Bounds.require(
        !linger.isNegative() && linger.compareTo(Duration.ofMinutes(1)) <= 0,
        "engine.linger " + linger + " is not in 0..1 min");
    Bounds.atLeast("engine.queueItems", queueItems, 1);
    Bounds.within("engine.lanes", lanes, 1, 64);
  }

  /** Returns 1 lane, batches of 2048 rows, no linger, a queue of 1024 items, no trace. */
  public static EngineOptions defaults() {
    return new EngineOptions(2048, Duration.ZERO, 1024, 1, false);
  }

  /** Returns these options with another batch size in rows. */
  public EngineOptions withBatchRows(int rows) {
    return new EngineOptions(rows, linger, queueItems, lanes, trace);
  }

  /** Returns these options with another linger. */
  public EngineOptions withLinger(Duration time) {
    return new EngineOptions(batchRows, time, queueItems, lanes, trace);
  }

  /** Returns these options with another queue length. */
  public EngineOptions withQueueItems(int items) {
    return new EngineOptions(batchRows, linger, items, lanes, trace);
  }

  /** Returns these options with another number of lanes. */
  public EngineOptions withLanes(int count) {
    return new EngineOptions(batchRows, linger, queueItems, count, trace);
  }

  /** Returns these options with tracing on or off. */
  public EngineOptions withTrace(boolean on) {
    return new EngineOptions(batchRows, linger, queueItems, lanes, on);
  }
}
