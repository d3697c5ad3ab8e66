package anabranch.model.route;

/** Step 0: what a router reads, and so whether it decides for a row or for the whole sequence. */
public enum Source {
  /** The hidden vector that the members see. */
  HIDDEN,
  /** The mean of the hidden vectors of the event's live rows: one decision for all of them. */
  EVENT_MEAN,
  /**
   * The same for the first event of a sequence; its decision is kept and holds for every later
   * event (He et al., Router-Tuning).
   */
  PROMPT_MEAN,
  /** The row's token id, as it was given with the event. */
  TOKEN_ID,
  /** The item's key and the row's position. */
  KEY_AND_POSITION,
  /** The item's key alone: one decision for the whole sequence. */
  KEY,
  /** The condition of the row's event, and nothing of the row. */
  CONDITION;

  /** Returns whether one decision holds for all rows of a sequence's event. */
  public boolean ofSequence() {
    return this == EVENT_MEAN || this == PROMPT_MEAN || this == KEY;
  }

  /** Returns whether hidden vectors are read. */
  public boolean readsHidden() {
    return this == HIDDEN || this == EVENT_MEAN || this == PROMPT_MEAN;
  }

  /** Returns whether items need keys. */
  public boolean readsKey() {
    return this == KEY || this == KEY_AND_POSITION;
  }
}
