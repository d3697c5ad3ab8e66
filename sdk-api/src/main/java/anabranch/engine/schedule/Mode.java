package anabranch.engine.schedule;

/** What becomes of the rows that go on behind a step. */
public enum Mode {
  /** They go on at once, with whoever left the same step beside them: the least waiting. */
  COMPACT,
  /**
   * They wait for others while some queue, the first one too, holds an efficient batch, and go on
   * otherwise: the most work done where a step costs something whatever its rows (Miao et al.,
   * DREX). Behaves like {@link #COMPACT} until the costs of batches are known, and where single
   * rows are efficient.
   */
  ADAPTIVE
}
