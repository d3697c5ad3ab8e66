package anabranch.conformance.reference;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which decisions of a run are forced, and what the others follow.
 *
 * @param thresholds by the id of an exit, the number its score is compared with; an exit without
 *     one never fires
 * @param exits the index of the point behind which each unit leaves: exits from 0 in the order of
 *     the plan, then the end; null to let the thresholds decide
 * @param experts by the path of a mixture, the experts of each row; mixtures without an entry and
 *     rows with an empty list choose themselves
 */
public record Decisions(
    Map<String, Double> thresholds,
    @Nullable List<Integer> exits,
    Map<String, List<List<Integer>>> experts) {
  /** Copies the lists. */
  public Decisions {
    thresholds = Map.copyOf(thresholds);
    exits = exits == null ? null : List.copyOf(exits);
    experts = Map.copyOf(experts);
  }

  /** Returns free decisions by thresholds. */
  public static Decisions by(Map<String, Double> thresholds) {
    return new Decisions(thresholds, null, Map.of());
  }

  /** Returns forced exits and free experts. */
  public static Decisions exits(List<Integer> exits) {
    return new Decisions(Map.of(), exits, Map.of());
  }

  /** Returns these decisions with other forced experts. */
  public Decisions withExperts(Map<String, List<List<Integer>>> forced) {
    return new Decisions(thresholds, exits, forced);
  }

  @Nullable List<Integer> experts(String path, int row) {
    List<List<Integer>> rows = experts.get(path);
    return rows == null || rows.get(row).isEmpty() ? null : rows.get(row);
  }
}
