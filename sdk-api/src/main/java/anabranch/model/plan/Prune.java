package anabranch.model.plan;

import anabranch.error.Bounds;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A place where the rows of an item with the lowest scores are dropped for good. Which share stays
 * is said by the policy; the others keep their order and their positions.
 *
 * @param id names the prune in policies, parameter names and reports; unique in its plan
 * @param score {@code LEARNED}, {@code ATTENTION_RECEIVED}, {@code GRAPH_RANK} or {@code
 *     REDUNDANCY}
 * @param kept positions that always stay, from 0; for heads that read the first row, at least 0
 * @param rank how rows are ranked, of the last two scores; null for the others
 * @param compared by what rows resemble each other, of {@code REDUNDANCY}; null for the others
 */
public record Prune(
    String id,
    Criterion.Score score,
    List<Integer> kept,
    @Nullable GraphRank rank,
    @Nullable Compared compared)
    implements Part {
  /** Checks the score and copies the positions. */
  public Prune {
    Bounds.name("prune.id", id);
    String field = "prune \"" + id + "\" ";
    Bounds.require(
        score == Criterion.Score.LEARNED || score.ofAttention(),
        field + "score " + score + " is not LEARNED, ATTENTION_RECEIVED, GRAPH_RANK or REDUNDANCY");
    needs(field, score, "rank", rank, score.ofGraph());
    needs(field, score, "compared", compared, score == Criterion.Score.REDUNDANCY);
    kept = List.copyOf(kept);
    kept.forEach(position -> Bounds.atLeast(field + "kept", position, 0));
  }

  /** Creates a prune by a score that is told nothing more. */
  public Prune(String id, Criterion.Score score, List<Integer> kept) {
    this(id, score, kept, null, null);
  }

  /** By what two rows resemble each other. */
  public enum Compared {
    /** Their hidden vectors where rows are dropped. */
    ROWS,
    /** The keys of all heads that they showed in the last attention. */
    KEYS
  }

  /** Returns a prune that drops the least important rows of the attention before. */
  public static Prune graphRank(String id, List<Integer> kept, GraphRank rank) {
    return new Prune(id, Criterion.Score.GRAPH_RANK, kept, rank, null);
  }

  /** Returns a prune that drops those of the less important half that resemble the other most. */
  public static Prune redundancy(String id, List<Integer> kept, GraphRank rank, Compared compared) {
    return new Prune(id, Criterion.Score.REDUNDANCY, kept, rank, compared);
  }

  private static void needs(
      String field, Criterion.Score score, String name, @Nullable Object value, boolean needed) {
    Bounds.require(value != null || !needed, field + name + " is missing for score " + score);
    Bounds.require(
        value == null || needed, field + name + " " + value + " is not for score " + score);
  }
}
