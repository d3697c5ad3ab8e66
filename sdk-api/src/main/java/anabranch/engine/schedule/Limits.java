package anabranch.engine.schedule;

import anabranch.error.Bounds;

/**
 * The bounds of a schedule. Immutable; any thread.
 *
 * @param batchRows a batch takes further items while it has fewer rows; at least 1
 * @param inFlight items enter the first step while fewer rows than this are on their way behind it;
 *     at least 1
 * @param patience how many times as long as the longest batch the first item of an inner queue
 *     waits before it is urgent; at least 2, or whatever waits is urgent under load and nothing
 *     merges
 * @param linger how long the first item of the first queue waits for company, in nanoseconds, from
 *     0 on
 */
public record Limits(int batchRows, int inFlight, double patience, long linger) {
  /** Checks the bounds. */
  public Limits {
    Bounds.atLeast("schedule.batchRows", batchRows, 1);
    Bounds.atLeast("schedule.inFlight", inFlight, 1);
    Bounds.require(
        patience >= 2 && patience <= 1e6, "schedule.patience " + patience + " is not in 2..1e6");
    Bounds.require(linger >= 0, "schedule.linger " + linger + " is below 0");
  }
}
