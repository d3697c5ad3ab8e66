package anabranch.engine;

import anabranch.backend.Trace;

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
   * @param stage index of the step in the cut; where no loop repeats a stage, also that of the
   *     stage
   * @param items how many items had rows in it
   * @param liveRows rows that ran in full
   * @param frozenRows rows that wrote keys, values and recurrent states only
   * @param left units that fired behind the step: left for good, became memory, or left a loop
   * @param invalid units whose score was not a number: they cannot fire, and are pruned first
   * @param nanos the time of the call and of reading its result
   * @param trace the experts that were picked; empty unless the engine traces; valid during the
   *     call
   */
  record Batch(
      int stage,
      int items,
      int liveRows,
      int frozenRows,
      int left,
      int invalid,
      long nanos,
      Trace trace) {}
}
