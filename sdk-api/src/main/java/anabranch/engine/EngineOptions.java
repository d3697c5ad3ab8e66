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
 * @param inFlightBytes and while these hold this many bytes, unless nothing is on its way; at least
 *     1
 * @param fillBytes what earlier rows of sequences owe runs on its own once these hold more bytes
 *     than this, at least 0
 * @param closeWithin how long {@link Engine#close} goes on answering; what is not answered by then
 *     fails; from 0 to 1 day
 */
public record EngineOptions(
    int batchRows,
    Duration linger,
    int queueItems,
    int lanes,
    boolean trace,
    Mode mode,
    int inFlightRows,
    long inFlightBytes,
    long fillBytes,
    Duration closeWithin)
    implements Serializable {
  /** By what share a row of an efficient batch may cost more than one of the cheapest. */
  static final double SLACK = 0.25;

  /** How many times as long as the longest batch an item waits behind a step, at most. */
  static final double PATIENCE = 4;

  /** Checks the bounds. */
  public EngineOptions {
    Bounds.atLeast("engine.batchRows", batchRows, 1);
    Bounds.within("engine.linger", linger, Duration.ZERO, Duration.ofMinutes(1));
    Bounds.atLeast("engine.queueItems", queueItems, 1);
    Bounds.within("engine.lanes", lanes, 1, 64);
    Bounds.atLeast("engine.inFlightRows", inFlightRows, 1);
    Bounds.require(inFlightBytes >= 1, "engine.inFlightBytes " + inFlightBytes + " is below 1");
    Bounds.require(fillBytes >= 0, "engine.fillBytes " + fillBytes + " is below 0");
    Bounds.within("engine.closeWithin", closeWithin, Duration.ZERO, Duration.ofDays(1));
  }

  /** Creates options with the other bounds of {@link #defaults}. */
  public EngineOptions(int batchRows, Duration linger, int queueItems, int lanes, boolean trace) {
    this(
        batchRows,
        linger,
        queueItems,
        lanes,
        trace,
        Mode.ADAPTIVE,
        (int) Math.max(1, Math.min(Integer.MAX_VALUE, 4L * batchRows)),
        1L << 30,
        64L << 20,
        Duration.ofMinutes(1));
  }

  /**
   * Returns 1 lane, batches of 2048 rows, no linger, a queue of 1024 items, no trace, mode {@code
   * ADAPTIVE}, four batches and 1 GiB on their way, 64 MiB of fills, a minute to close.
   */
  public static EngineOptions defaults() {
    return new EngineOptions(2048, Duration.ZERO, 1024, 1, false);
  }

  /** Returns these options with another mode. */
  public EngineOptions withMode(Mode other) {
    return with(batchRows, linger, queueItems, lanes, trace, other, inFlightRows);
  }

  /** Returns these options with another bound on the rows that are on their way. */
  public EngineOptions withInFlightRows(int rows) {
    return with(batchRows, linger, queueItems, lanes, trace, mode, rows);
  }

  /** Returns these options with another batch size in rows, and four times as many on their way. */
  public EngineOptions withBatchRows(int rows) {
    int four = (int) Math.max(1, Math.min(Integer.MAX_VALUE, 4L * rows));
    return with(rows, linger, queueItems, lanes, trace, mode, four);
  }

  /** Returns these options with another linger. */
  public EngineOptions withLinger(Duration time) {
    return with(batchRows, time, queueItems, lanes, trace, mode, inFlightRows);
  }

  /** Returns these options with another queue length. */
  public EngineOptions withQueueItems(int items) {
    return with(batchRows, linger, items, lanes, trace, mode, inFlightRows);
  }

  /** Returns these options with another number of lanes. */
  public EngineOptions withLanes(int count) {
    return with(batchRows, linger, queueItems, count, trace, mode, inFlightRows);
  }

  /** Returns these options with tracing on or off. */
  public EngineOptions withTrace(boolean on) {
    return with(batchRows, linger, queueItems, lanes, on, mode, inFlightRows);
  }

  /** Returns these options with other bounds on the bytes on their way, and on those of fills. */
  public EngineOptions withBytes(long inFlight, long fills) {
    return new EngineOptions(
        batchRows,
        linger,
        queueItems,
        lanes,
        trace,
        mode,
        inFlightRows,
        inFlight,
        fills,
        closeWithin);
  }

  /** Returns these options with another time to close. */
  public EngineOptions withCloseWithin(Duration time) {
    return new EngineOptions(
        batchRows,
        linger,
        queueItems,
        lanes,
        trace,
        mode,
        inFlightRows,
        inFlightBytes,
        fillBytes,
        time);
  }

  private EngineOptions with(
      int rows, Duration wait, int items, int count, boolean on, Mode other, int inFlight) {
    return new EngineOptions(
        rows, wait, items, count, on, other, inFlight, inFlightBytes, fillBytes, closeWithin);
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
        && inFlightRows == same.inFlightRows
        && inFlightBytes == same.inFlightBytes
        && fillBytes == same.fillBytes
        && closeWithin.equals(same.closeWithin);
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        batchRows,
        linger,
        queueItems,
        lanes,
        trace,
        mode.name(),
        inFlightRows,
        inFlightBytes,
        fillBytes,
        closeWithin);
  }
}
