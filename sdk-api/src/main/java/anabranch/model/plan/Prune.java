package anabranch.model.plan;

import anabranch.error.Bounds;
import java.util.List;

/**
 * A place where the rows of an item with the lowest scores are dropped for good. Which share stays
 * is said by the policy; the others keep their order and their positions.
 *
 * @param id names the prune in policies, parameter names and reports; unique in its plan
 * @param score {@code LEARNED} or {@code ATTENTION_RECEIVED}
 * @param kept positions that always stay, from 0; for heads that read the first row, at least 0
 */
public record Prune(String id, Criterion.Score score, List<Integer> kept) implements Part {
  /** Checks the score and copies the positions. */
  public Prune {
    Bounds.name("prune.id", id);
    Bounds.require(
        score == Criterion.Score.LEARNED || score == Criterion.Score.ATTENTION_RECEIVED,
        "prune \"" + id + "\" score " + score + " is not LEARNED or ATTENTION_RECEIVED");
    kept = List.copyOf(kept);
    kept.forEach(position -> Bounds.atLeast("prune \"" + id + "\" kept", position, 0));
  }
}
