package anabranch.engine.schedule;

/** What becomes of units that could leave, and of the rows that go on behind a step. */
public enum Mode {
  /** Nothing leaves: every item runs under the policy {@code full-depth}, whatever it brings. */
  FULL,
  /**
   * Units are answered where they would leave, and run on to the end as if they had not: nothing is
   * saved, and every early answer is compared with the one at full depth. What others read of them
   * is what they are at full depth.
   */
  RESULT_ONLY,
  /** Rows go on at once, with whoever left the same step beside them: the least waiting. */
  COMPACT,
  /**
   * Rows wait for others while some queue, the first one too, holds an efficient batch, and go on
   * otherwise: the most work done where a step costs something whatever its rows (Miao et al.,
   * DREX). Behaves like {@link #COMPACT} until the costs of batches are known, and where single
   * rows, or two, are efficient.
   */
  ADAPTIVE
}
