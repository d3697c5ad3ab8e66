package anabranch.engine;

import anabranch.engine.schedule.Mode;
import anabranch.error.Bounds;
import java.io.Serializable;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How an engine gathers work. Immutable; any thread.
 *
 * @param batchRows a batch takes further items while it has fewer rows than this; an item with more
 *     rows still runs, alone; at least 1
 * @param linger how long the first item of a batch waits for company, 0 for not at all
 * @param queueItems how many items may wait before {@code submit} blocks, at least 1
 * @param lanes how many batches run at the same time, in 1..64
 * @param trace whether inferences and listeners say which experts were picked
 * @param mode what becomes of the rows that go on behind a step
 * @param inFlightRows items wait before the first step while this many rows are on their way behind
 *     it, at least 1
 */
public record EngineOptions(
    int batchRows,
    Duration linger,
    int queueItems,
    int lanes,
    boolean trace,
    Mode mode,
    int inFlightRows)
    implements Serializable {
  /** By what share a row of an efficient batch may cost more than one of the cheapest. */
  static final double SLACK = 0.25;

  /** How many times as long as the longest batch an item waits behind a step, at most. */
  static final double PATIENCE = 4;

  /** Checks the bounds. */
  public EngineOptions {
    Bounds.atLeast("engine.batchRows", batchRows, 1);
    Bounds.require(
        !linger.isNegative() && linger.compareTo(Duration.ofMinutes(1)) <= 0,
        "engine.linger " + linger + " is not in 0..1 min");
    Bounds.atLeast("engine.queueItems", queueItems, 1);
    Bounds.within("engine.lanes", lanes, 1, 64);
    Bounds.atLeast("engine.inFlightRows", inFlightRows, 1);
  }

  /** Creates options in mode {@code ADAPTIVE}, with four batches on their way. */
  public EngineOptions(int batchRows, Duration linger, int queueItems, int lanes, boolean trace) {
    this(
        batchRows,
        linger,
        queueItems,
        lanes,
        trace,
        Mode.ADAPTIVE,
        (int) Math.max(1, Math.min(Integer.MAX_VALUE, 4L * batchRows)));
  }

  /**
   * Returns 1 lane, batches of 2048 rows, no linger, a queue of 1024 items, no trace, mode {@code
   * ADAPTIVE}, four batches on their way.
   */
  public static EngineOptions defaults() {
    return new EngineOptions(2048, Duration.ZERO, 1024, 1, false);
  }

  /** Returns these options with another mode. */
  public EngineOptions withMode(Mode other) {
    return new EngineOptions(batchRows, linger, queueItems, lanes, trace, other, inFlightRows);
  }

  /** Returns these options with another bound on the rows that are on their way. */
  public EngineOptions withInFlightRows(int rows) {
    return new EngineOptions(batchRows, linger, queueItems, lanes, trace, mode, rows);
  }

  /** Returns these options with another batch size in rows, and four times as many on their way. */
  public EngineOptions withBatchRows(int rows) {
    EngineOptions other = new EngineOptions(rows, linger, queueItems, lanes, trace);
    return other.withMode(mode);
  }

  /** Returns these options with another linger. */
  public EngineOptions withLinger(Duration time) {
    return new EngineOptions(batchRows, time, queueItems, lanes, trace, mode, inFlightRows);
  }

  /** Returns these options with another queue length. */
  public EngineOptions withQueueItems(int items) {
    return new EngineOptions(batchRows, linger, items, lanes, trace, mode, inFlightRows);
  }

  /** Returns these options with another number of lanes. */
  public EngineOptions withLanes(int count) {
    return new EngineOptions(batchRows, linger, queueItems, count, trace, mode, inFlightRows);
  }

  /** Returns these options with tracing on or off. */
  public EngineOptions withTrace(boolean on) {
    return new EngineOptions(batchRows, linger, queueItems, lanes, on, mode, inFlightRows);
  }

  /**
   * Compares as records do. The JDK's own way would keep the class loader of {@link Mode} until
   * another record is compared for the first time.
   */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof EngineOptions same
        && batchRows == same.batchRows
        && linger.equals(same.linger)
        && queueItems == same.queueItems
        && lanes == same.lanes
        && trace == same.trace
        && mode == same.mode
        && inFlightRows == same.inFlightRows;
  }

  @Override
  public int hashCode() {
    return Objects.hash(batchRows, linger, queueItems, lanes, trace, mode.name(), inFlightRows);
  }
}
