package anabranch.engine;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is decided about one item between steps: an inference says what was, an item what must be,
 * whatever anything scores. Where a part is null the policy decides. Immutable; any thread.
 *
 * @param exits for each unit the index of the step of an exit or of the last step; what is said of
 *     a row that a prune drops does not matter
 * @param halts by the step of a halt, the units that go on behind its loop from there: rows, or 0
 *     where the halt pools; steps without one may be missing
 * @param kept by the step of a prune, the positions that stay, at least one; steps of prunes that
 *     drop nothing may be missing
 * @param memoryExit the step behind which the encoder is left; -1 for models without one
 */
public record Borders(
    @Nullable List<Integer> exits,
    @Nullable Map<Integer, List<Integer>> halts,
    @Nullable Map<Integer, List<Integer>> kept,
    @Nullable Integer memoryExit) {
  /** Copies the lists and maps. */
  public Borders {
    exits = exits == null ? null : List.copyOf(exits);
    halts = halts == null ? null : copy(halts);
    kept = kept == null ? null : copy(kept);
  }

  private static Map<Integer, List<Integer>> copy(Map<Integer, List<Integer>> map) {
    Map<Integer, List<Integer>> copies = new TreeMap<>();
    map.forEach((step, each) -> copies.put(step, List.copyOf(each)));
    return Map.copyOf(copies);
  }

  /** Returns borders that say where units leave, and nothing else. */
  public static Borders ofExits(List<Integer> steps) {
    return new Borders(steps, null, null, null);
  }
}
