package anabranch.flink;

import anabranch.error.Bounds;
import java.io.Serializable;
import java.time.Duration;

/**
 * How an operator gathers records and how long it waits.
 *
 * @param batchRecords most records of a batch, at least 1
 * @param batchRows most rows of a batch of several records, at least 1
 * @param linger how long the first record of a batch waits for company, 0 to 1 minute in whole
 *     milliseconds
 * @param maxInFlight most batches that were submitted and are not yet emitted, in 1..1024
 * @param timeout how long a submitted batch may take, 1 millisecond to 1 day
 * @param ordered whether results keep the order of records
 * @param flushAtWatermark whether a watermark ends the batch before it
 */
record MicroBatchOptions(
    int batchRecords,
    int batchRows,
    Duration linger,
    int maxInFlight,
    Duration timeout,
    boolean ordered,
    boolean flushAtWatermark)
    implements Serializable {
  MicroBatchOptions {
    Bounds.atLeast("inference.batchRecords", batchRecords, 1);
    Bounds.atLeast("inference.batchRows", batchRows, 1);
    milliseconds("inference.linger", linger, Duration.ZERO, Duration.ofMinutes(1));
    Bounds.within("inference.maxInFlight", maxInFlight, 1, 1024);
    milliseconds("inference.timeout", timeout, Duration.ofMillis(1), Duration.ofDays(1));
  }

  static MicroBatchOptions defaults() {
    return new MicroBatchOptions(
        32, 2048, Duration.ofMillis(5), 4, Duration.ofMinutes(5), true, false);
  }

  MicroBatchOptions withBatchRecords(int records) {
    return new MicroBatchOptions(
        records, batchRows, linger, maxInFlight, timeout, ordered, flushAtWatermark);
  }

  MicroBatchOptions withBatchRows(int rows) {
    return new MicroBatchOptions(
        batchRecords, rows, linger, maxInFlight, timeout, ordered, flushAtWatermark);
  }

  MicroBatchOptions withLinger(Duration time) {
    return new MicroBatchOptions(
        batchRecords, batchRows, time, maxInFlight, timeout, ordered, flushAtWatermark);
  }

  MicroBatchOptions withMaxInFlight(int batches) {
    return new MicroBatchOptions(
        batchRecords, batchRows, linger, batches, timeout, ordered, flushAtWatermark);
  }

  MicroBatchOptions withTimeout(Duration time) {
    return new MicroBatchOptions(
        batchRecords, batchRows, linger, maxInFlight, time, ordered, flushAtWatermark);
  }

  MicroBatchOptions withOrder(boolean kept) {
    return new MicroBatchOptions(
        batchRecords, batchRows, linger, maxInFlight, timeout, kept, flushAtWatermark);
  }

  MicroBatchOptions withFlushAtWatermark(boolean flush) {
    return new MicroBatchOptions(
        batchRecords, batchRows, linger, maxInFlight, timeout, ordered, flush);
  }

  private static void milliseconds(String field, Duration value, Duration least, Duration most) {
    Bounds.require(
        Bounds.within(field, value, least, most).toNanosPart() % 1_000_000 == 0,
        field + " " + value + " is not a whole number of milliseconds");
  }
}
