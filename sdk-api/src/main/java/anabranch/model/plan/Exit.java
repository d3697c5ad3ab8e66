package anabranch.model.plan;

import anabranch.error.Bounds;
import anabranch.model.layer.Bypass;
import org.jspecify.annotations.Nullable;

/**
 * A place in the plan where a row, or a whole item, may leave for good with the answer of its own
 * head. The threshold is no part of the description: it belongs to the policy that the engine runs.
 *
 * @param id names the exit in policies, parameter names and reports; unique in its plan
 * @param head what answers here; its pool says whether rows or items leave. Null in encoders, whose
 *     items leave as memory
 * @param criterion the score and the comparison that fires
 * @param bypass what a leaver still owes the blocks it jumps over
 */
public record Exit(String id, @Nullable Head head, Criterion criterion, Bypass bypass)
    implements Part {
  /** Checks that score and head go together. */
  public Exit {
    Bounds.name("exit.id", id);
    Criterion.Score score = criterion.score();
    String field = "exit \"" + id + "\" criterion " + score;
    Bounds.require(!score.ofAttention(), field + " is for prunes alone");
    boolean needsHead = score.ofLogits() || score == Criterion.Score.PATIENCE;
    Bounds.require(head != null || !needsHead, field + " needs a head");
    Bounds.require(
        score != Criterion.Score.LEARNED || head == null || head.pool() != Head.Pool.FLATTEN,
        field + " does not go with pool FLATTEN, which has no single vector");
  }
}
