package anabranch.engine.schedule;

import anabranch.error.Bounds;

/**
 * The bounds of a schedule. Immutable; any thread.
 *
 * @param batchRows a batch takes further items while it has fewer rows; at least 1
 * @param inFlight items enter the first step while fewer rows than this are on their way behind it;
 *     at least 1
 * @param inFlightBytes and while these hold fewer bytes, or nothing is on its way; at least 1
 * @param fillBytes fills that hold more bytes than this run though nobody else does; at least 0
 * @param patience how many times as long as the longest batch the first item of an inner queue
 *     waits before it is urgent; at least 2, or whatever waits is urgent under load and nothing
 *     merges
 * @param linger how long the first item of the first queue waits for company, in nanoseconds, from
 *     0 on
 */
public record Limits(
    int batchRows, int inFlight, long inFlightBytes, long fillBytes, double patience, long linger) {
  /** Checks the bounds. */
  public Limits {
    Bounds.atLeast("schedule.batchRows", batchRows, 1);
    Bounds.atLeast("schedule.inFlight", inFlight, 1);
    Bounds.require(inFlightBytes >= 1, "schedule.inFlightBytes " + inFlightBytes + " is below 1");
    Bounds.require(fillBytes >= 0, "schedule.fillBytes " + fillBytes + " is below 0");
    Bounds.require(
        patience >= 2 && patience <= 1e6, "schedule.patience " + patience + " is not in 2..1e6");
    Bounds.require(linger >= 0, "schedule.linger " + linger + " is below 0");
  }

  /** Returns bounds on rows and time, and none on bytes. */
  public static Limits of(int batchRows, int inFlight, double patience, long linger) {
    return new Limits(batchRows, inFlight, Long.MAX_VALUE, Long.MAX_VALUE, patience, linger);
  }
}
