package anabranch.samples.alarm;

/** What was decided about a scored line. */
public enum Verdict {
  /** It came before its kind had a level, and helps to fix it; such a line is never flagged. */
  BEFORE_LEVEL,
  /** At or below the level of its kind. */
  USUAL,
  /** Above the level of its kind: flagged. */
  ODD
}
