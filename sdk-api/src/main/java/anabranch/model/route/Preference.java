package anabranch.model.route;

import anabranch.error.Bounds;
import org.jspecify.annotations.Nullable;

/**
 * Step 3: the number by which experts are ranked; it never reaches the gate.
 *
 * @param correction whether a learned vector is added to the scores (DeepSeek-V3)
 * @param groups a limit to the best groups of experts; null for none
 */
public record Preference(boolean correction, @Nullable Groups groups) {
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
