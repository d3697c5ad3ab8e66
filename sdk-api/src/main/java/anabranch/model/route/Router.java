package anabranch.model.route;

import anabranch.error.Bounds;

/**
 * How a mixture picks experts for each row, as eight steps; see the package for what each computes.
 *
 * @param source step 0
 * @param logits step 1
 * @param score step 2
 * @param preference step 3
 * @param selection step 4
 * @param gate step 5
 * @param capacity step 6
 * @param placement step 7
 */
public record Router(
    Source source,
    Logits logits,
    Score score,
    Preference preference,
    Selection selection,
    Gate gate,
    Capacity capacity,
    Placement placement) {
  /** Checks that logits and source go together. */
  public Router {
    boolean linear = logits instanceof Logits.Linear;
    Bounds.require(
        linear == (source == Source.HIDDEN),
        "router.source " + source + " does not go with logits " + logits);
  }

  /**
   * Checks this router against a number of experts.
   *
   * @throws anabranch.error.DescriptionException naming the step that does not fit
   */
  public void checkAgainst(int experts) {
    Bounds.within("router.k", selection.k(), 1, experts);
    Preference.Groups groups = preference.groups();
    if (groups != null) {
      Bounds.require(
          experts % groups.count() == 0,
          "router.groups.count " + groups.count() + " does not divide experts " + experts);
      int each = experts / groups.count();
      Bounds.within("router.groups.best", groups.best(), 1, each);
      Bounds.require(
          selection.k() <= groups.keep() * each,
          "router.k " + selection.k() + " is not in 1.." + groups.keep() * each + " kept experts");
    }
  }

  /** Returns whether a matrix of the weights makes the logits. */
  public boolean hasWeight() {
    return logits instanceof Logits.Linear;
  }

  /** Returns whether the logits add a bias. */
  public boolean hasBias() {
    return logits instanceof Logits.Linear linear && linear.bias();
  }

  /** Returns whether step 3 adds a learned vector. */
  public boolean hasCorrection() {
    return preference.correction();
  }

  /** Returns whether rows must have token ids. */
  public boolean needsTokenIds() {
    return source == Source.TOKEN_ID;
  }
}
