package anabranch.backend;

/**
 * One stage of a loaded model over packed rows of several sequences. Thread-safe: concurrent calls
 * are legal while no state is in two of them.
 */
public interface Stage {
  /**
   * Runs the rows of a batch.
   *
   * <p>All or nothing: if it throws, every state of the batch is as it was before the call (write
   * by position, publish the length on return), so that the caller can find the row to blame by
   * trying again with fewer.
   *
   * @throws RuntimeException any, if the rows cannot be computed
   */
  StageResult run(StageBatch batch);
}
