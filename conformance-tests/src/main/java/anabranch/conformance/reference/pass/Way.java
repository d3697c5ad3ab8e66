package anabranch.conformance.reference.pass;

import anabranch.model.layer.Bypass;

/** How a row passes an operation. */
public enum Way {
  /** It runs, and is read. */
  RUN,
  /** Rule A4: it does not run; what it shows is made from the vector it has. */
  PROJECT,
  /** Rule A5: it does not run; it shows what it showed at the attention before. */
  SHARE,
  /** Rule A6: it does not run and shows nothing. */
  NOTHING;

  /** Returns the way of a row that a bypass leads around an operation. */
  public static Way around(Bypass bypass) {
    return switch (bypass) {
      case FREEZE_PROJECT -> PROJECT;
      case FREEZE_SHARE_KV -> SHARE;
      default -> NOTHING;
    };
  }
}
