package anabranch.model.route;

import anabranch.error.Bounds;
import org.jspecify.annotations.Nullable;

/**
 * Step 3: the number by which experts are ranked; it never reaches the gate.
 *
 * @param correction whether a learned vector is added to the scores (DeepSeek-V3)
 * @param groups a limit to the best groups of experts; null for none
 * @param always how many experts, from the first on, are picked before all others; at least 1, and
 *     not beside groups; null for none (Chen et al., Mixture of Hidden Dimensions)
 */
public record Preference(boolean correction, @Nullable Groups groups, @Nullable Integer always) {
  /** Checks the bounds. */
  public Preference {
    if (always != null) {
      Bounds.atLeast("router.always", always, 1);
      Bounds.require(groups == null, "router.always " + always + " does not go with groups");
    }
  }

  /** Creates a ranking in which no expert is picked always. */
  public Preference(boolean correction, @Nullable Groups groups) {
    this(correction, groups, null);
  }

  /** Returns the ranking by the score itself. */
  public static Preference byScore() {
    return new Preference(false, null);
  }

  /**
   * Only experts of the best groups can be selected; groups are runs of equal length, a group is
   * worth the sum of its {@code best} largest preferences, ties go to the lower group.
   *
   * @param count number of groups; divides the number of experts
   * @param keep how many groups stay, in 1..count
   * @param best how many members speak for their group, at least 1
   * @param maskedToZero whether experts of other groups rank as 0 instead of minus infinity
   */
  public record Groups(int count, int keep, int best, boolean maskedToZero) {
    /** Checks the bounds. */
    public Groups {
      Bounds.atLeast("router.groups.count", count, 1);
      Bounds.within("router.groups.keep", keep, 1, count);
      Bounds.atLeast("router.groups.best", best, 1);
    }
  }
}
