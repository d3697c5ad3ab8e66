package anabranch.engine.bank;

import anabranch.error.Bounds;
import java.util.List;

/**
 * Which members of a bank answer an item, and what each counts. Immutable; any thread.
 *
 * @param shares the members that were picked, best first
 * @param vote what was said of all members; its logits are in the order of the bank
 */
public record Choice(List<Share> shares, Vote vote) {
  /**
   * One member that was picked.
   *
   * @param member its name
   * @param weight the factor on its logits; finite
   */
  public record Share(String member, float weight) {
    /** Checks the weight. */
    public Share {
      Bounds.require(
          Float.isFinite(weight),
          "share.weight " + weight + " of member \"" + member + "\" is not finite");
    }
  }

  /** Copies the list; no member may stand in it twice. */
  public Choice {
    shares = List.copyOf(shares);
    Bounds.distinct("choice.member", shares.stream().map(Share::member).toList());
  }

  /**
   * Returns the name of the best member.
   *
   * @throws IllegalStateException if none was picked
   */
  public String best() {
    if (shares.isEmpty()) {
      throw new IllegalStateException("no member was picked");
    }
    return shares.get(0).member();
  }
}
