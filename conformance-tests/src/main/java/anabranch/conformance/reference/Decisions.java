package anabranch.conformance.reference;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which decisions of a run are forced, and what the others follow.
 *
 * <p>A unit of a point is a row by position, or an event by number where the point pools. A point
 * without an entry decides by its score.
 *
 * @param thresholds by the id of an exit or a halt, the number its score is compared with, and by
 *     that of a prune, the share of rows that stays; an exit or a halt without one never fires, a
 *     prune without one drops nothing
 * @param exits the step behind which each unit leaves, as {@code Cut} counts them; null to decide
 *     by scores
 * @param encoderExit the step behind which the encoder is left; null to decide by scores
 * @param halts by the id of a halt, the time, from 0, behind which each unit goes on; other numbers
 *     for never
 * @param labels by the id of a choice of depth, the label of each unit
 * @param kept by the id of a prune, the positions that stay, those of all events together
 * @param halves by the id of a prune by redundancy, the positions of the more important half
 * @param experts by the run of a router, as {@link Verdict#routers} names it, and by row, what the
 *     row takes: members in the order of their choice, {@code -2 - e} for one without room, -1 for
 *     nothing; rows without an entry choose themselves
 */
public record Decisions(
    Map<String, Double> thresholds,
    @Nullable List<Integer> exits,
    @Nullable Integer encoderExit,
    Map<String, List<Integer>> halts,
    Map<String, List<Integer>> labels,
    Map<String, List<Integer>> kept,
    Map<String, List<Integer>> halves,
    Map<String, Map<Integer, List<Integer>>> experts) {
  /** Copies lists and maps. */
  public Decisions {
    thresholds = Map.copyOf(thresholds);
    exits = exits == null ? null : List.copyOf(exits);
    halts = Map.copyOf(halts);
    labels = Map.copyOf(labels);
    kept = Map.copyOf(kept);
    halves = Map.copyOf(halves);
    experts = Map.copyOf(experts);
  }

  /** Returns free decisions by thresholds. */
  public static Decisions by(Map<String, Double> thresholds) {
    return new Decisions(thresholds, null, null, Map.of(), Map.of(), Map.of(), Map.of(), Map.of());
  }

  /** Returns forced exits; everything else is free, and no other threshold is met. */
  public static Decisions exits(List<Integer> exits) {
    return by(Map.of()).withExits(exits);
  }

  /** Returns these decisions with forced exits. */
  public Decisions withExits(List<Integer> forced) {
    return new Decisions(thresholds, forced, encoderExit, halts, labels, kept, halves, experts);
  }

  /** Returns these decisions with a forced exit of the encoder. */
  public Decisions withEncoderExit(int forced) {
    return new Decisions(thresholds, exits, forced, halts, labels, kept, halves, experts);
  }

  /** Returns these decisions with forced halts. */
  public Decisions withHalts(Map<String, List<Integer>> forced) {
    return new Decisions(thresholds, exits, encoderExit, forced, labels, kept, halves, experts);
  }

  /** Returns these decisions with forced choices of depth. */
  public Decisions withLabels(Map<String, List<Integer>> forced) {
    return new Decisions(thresholds, exits, encoderExit, halts, forced, kept, halves, experts);
  }

  /** Returns these decisions with forced prunes. */
  public Decisions withKept(Map<String, List<Integer>> forced) {
    return new Decisions(thresholds, exits, encoderExit, halts, labels, forced, halves, experts);
  }

  /** Returns these decisions with forced halves at prunes by redundancy. */
  public Decisions withHalves(Map<String, List<Integer>> forced) {
    return new Decisions(thresholds, exits, encoderExit, halts, labels, kept, forced, experts);
  }

  /** Returns these decisions with forced experts. */
  public Decisions withExperts(Map<String, Map<Integer, List<Integer>>> forced) {
    return new Decisions(thresholds, exits, encoderExit, halts, labels, kept, halves, forced);
  }

  @Nullable List<Integer> experts(String router, int row) {
    return experts.getOrDefault(router, Map.of()).get(row);
  }
}
