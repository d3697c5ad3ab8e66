package anabranch.model.layer;

/**
 * What a row that does not run still owes the rows that read it: at an exit for all blocks behind
 * it, at a skip for one operation.
 */
public enum Bypass {
  /** Nothing: it is gone with its item. For items, and for rows where no later block mixes. */
  TERMINATE,
  /**
   * Its hidden vector stays as it was, and every mixing operation it jumps over projects keys and
   * values from it (Elbayad et al., Depth-Adaptive Transformer; Schuster et al., CALM); a
   * recurrence takes it as an input.
   */
  FREEZE_PROJECT,
  /**
   * In every attention it jumps over it shows the keys and values of the last attention it ran
   * (Nogales et al., DYNAMAX); a recurrence stays as it is. Needs attentions of one shape.
   */
  FREEZE_SHARE_KV,
  /**
   * Nothing: other rows do not see it where it did not run. For models that were trained so (Raposo
   * et al., Mixture-of-Depths).
   */
  MASK,
  /**
   * It runs the blocks behind its exit all the same, later and without being asked again, so that
   * other rows read exactly what they read at full depth.
   */
  DEFER_RECOMPUTE;

  /** Returns whether a row that left goes along frozen: its vector stays, its keys are read. */
  public boolean freezes() {
    return this == FREEZE_PROJECT || this == FREEZE_SHARE_KV;
  }
}
