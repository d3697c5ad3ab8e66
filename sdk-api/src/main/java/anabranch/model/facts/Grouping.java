package anabranch.model.facts;

/** What must be together in one call of a stage. */
public enum Grouping {
  /** Nothing: any rows in any order. */
  ROW,
  /** No later row of a sequence before an earlier one. */
  PREFIX,
  /** All rows of an event. */
  WHOLE;

  static Grouping of(Dependence dependence) {
    return switch (dependence) {
      case TOKEN -> ROW;
      case PREFIX -> PREFIX;
      default -> WHOLE;
    };
  }
}
