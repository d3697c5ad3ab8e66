package anabranch.engine.bank;

import anabranch.error.Bounds;
import java.util.ArrayList;
import java.util.List;

/**
 * What a signal says of one item. Immutable; any thread.
 *
 * @param logits one number for each member
 * @param version names what said so, such as the version of a model; empty where nothing does
 * @param cost what asking took, in the unit of all costs of the bank: floating-point operations,
 *     where models are counted; finite, from 0 on
 */
public record Vote(List<Float> logits, String version, double cost) {
  /** Copies the list and checks the cost. */
  public Vote {
    logits = List.copyOf(logits);
    Bounds.notNegative("vote.cost", cost);
  }

  /** Returns a vote that has no version and cost nothing. */
  public static Vote of(float... logits) {
    List<Float> all = new ArrayList<>();
    for (float logit : logits) {
      all.add(logit);
    }
    return new Vote(all, "", 0);
  }
}
