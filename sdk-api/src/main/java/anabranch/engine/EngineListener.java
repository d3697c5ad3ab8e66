package anabranch.engine;

import anabranch.backend.Trace;
import anabranch.engine.schedule.Schedule;
import anabranch.model.ModelSpec;
import java.util.BitSet;

/**
 * Hears of every batch an engine ran, and of what became of its items. Called on the engine's
 * threads, and on those that swap models or cancel items: must be quick and thread-safe; what it
 * throws is logged and otherwise ignored.
 */
@FunctionalInterface
public interface EngineListener {
  /** Tells of one batch through one step. */
  void batch(Batch batch);

  /**
   * Tells that a model comes into service, before the first of its batches.
   *
   * @param version what batches and items call it
   * @param trace whether its batches say which experts were picked
   */
  default void serves(String version, ModelSpec spec, boolean trace) {}

  /**
   * Tells that an item which was accepted is over, before its future completes; once for each.
   *
   * @param version of the model that it was accepted for
   * @param policy the version of the policy that it ran under
   * @param outcome what became of it
   * @param flops what running it took, see {@link Inference#flops}; 0 if it was not answered
   * @param fullFlops what full depth would have taken; 0 if it was not answered
   * @param nanos from submission to the answer; 0 if it was not answered
   */
  default void completed(
      String version, String policy, Outcome outcome, long flops, long fullFlops, long nanos) {}

  /** What became of an item. */
  enum Outcome {
    /** It has an answer. */
    ANSWERED,
    /** It could not be computed, or the engine was closed before. */
    FAILED,
    /** Somebody else completed its future: a cancellation, or a timeout. */
    CANCELLED
  }

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
   * @param forced how many of these left where their item was told to, whatever they scored
   * @param pruned rows that were dropped behind the step
   * @param invalid units whose score was not a number: they cannot fire, and are pruned first
   * @param audited units that were answered at an earlier step and are compared with that now
   * @param disagreed how many of these name another class
   * @param work what its rows cost
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
      int forced,
      int pruned,
      int invalid,
      int audited,
      int disagreed,
      Work work,
      long nanos,
      Trace trace) {}

  /**
   * What the rows of a batch cost, in floating-point operations counted from the description; every
   * row is of one kind.
   *
   * @param own rows that ran for an answer of their own
   * @param kept rows of the same items that had left, or jumped out of a loop, and ran only for
   *     those that read them
   * @param fills rows that earlier events of a sequence owed, whatever they rode along with
   * @param shadow rows that were answered at an earlier step and run on to be compared
   * @param heads flops of the scores and outputs of own rows
   * @param shadowHeads flops of the outputs that are only compared
   * @param aside the rows of the trace that are not own; empty unless the engine traces; valid
   *     during the call
   */
  record Work(
      Share own,
      Share kept,
      Share fills,
      Share shadow,
      long heads,
      long shadowHeads,
      BitSet aside) {}

  /**
   * The rows of one kind and what they cost, without scores and outputs.
   *
   * @param rows how many
   * @param flops of all of them together
   */
  record Share(int rows, long flops) {}
}
