package anabranch.engine;

import anabranch.backend.Trace;

/**
 * Hears of every batch an engine ran. Called on the engine's threads: must be quick and
 * thread-safe; what it throws is logged and otherwise ignored.
 */
@FunctionalInterface
public interface EngineListener {
  /** Tells of one batch through one stage. */
  void batch(Batch batch);

  /**
   * One batch through one stage.
   *
   * @param stage index of the stage
   * @param items how many items had rows in it
   * @param liveRows rows that ran in full
   * @param frozenRows rows that wrote keys and values only
   * @param left units that left behind the stage
   * @param invalid units whose score was not a number: they cannot leave early
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
