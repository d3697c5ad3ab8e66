package anabranch.engine;

import anabranch.backend.Trace;
import anabranch.engine.schedule.Schedule;

/**
 * Hears of every batch an engine ran. Called on the engine's threads: must be quick and
 * thread-safe; what it throws is logged and otherwise ignored.
 */
@FunctionalInterface
public interface EngineListener {
  /** Tells of one batch through one step. */
  void batch(Batch batch);

  /**
   * One batch through one step.
   *
   * @param version of the model that ran it
   * @param stage index of the step in the cut; where no loop repeats a stage, also that of the
   *     stage
   * @param reason why it ran
   * @param waited the nanoseconds that its first item had waited for it
   * @param items how many items had rows in it
   * @param liveRows rows that ran in full
   * @param frozenRows rows that wrote keys, values and recurrent states only
   * @param fills rows of both kinds that belong to sequences none of whose events ran
   * @param left units that fired behind the step: left for good, became memory, or left a loop
   * @param invalid units whose score was not a number: they cannot fire, and are pruned first
   * @param audited units that were answered at an earlier step and are compared with that now
   * @param disagreed how many of these name another class
   * @param nanos the time of the call and of reading its result
   * @param trace the experts that were picked; empty unless the engine traces; valid during the
   *     call
   */
  record Batch(
      String version,
      int stage,
      Schedule.Reason reason,
      long waited,
      int items,
      int liveRows,
      int frozenRows,
      int fills,
      int left,
      int invalid,
      int audited,
      int disagreed,
      long nanos,
      Trace trace) {}
}
