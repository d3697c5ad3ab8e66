package anabranch.conformance.reference;

import anabranch.conformance.reference.route.Choice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the oracle says of one item. A unit is a row by position through all of its events, or an
 * event by number where heads pool; at points that pool otherwise than the heads, units are theirs.
 * Steps are counted as {@code Cut} counts them, the encoder's first.
 */
public final class Verdict {
  final double[] @Nullable [] logits;
  final int[] exits;
  final int[] depths;
  final Map<Integer, double[]> scores = new TreeMap<>();
  final Map<Integer, int[]> labels = new TreeMap<>();
  final Map<Integer, List<Integer>> kept = new TreeMap<>();
  final Map<Integer, double[]> ranks = new TreeMap<>();
  final Map<Integer, List<Integer>> halves = new TreeMap<>();
  final Map<String, int[]> halts = new LinkedHashMap<>();
  final Map<String, @Nullable Choice[]> choices = new LinkedHashMap<>();
  int encoderExit = -1;

  private final int rows;

  Verdict(int rows, int units) {
    this.rows = rows;
    logits = new double[units][];
    exits = new int[units];
    depths = new int[units];
    Arrays.fill(exits, -1);
  }

  void score(int step, int units, int unit, double score, int label) {
    scores.computeIfAbsent(step, s -> filled(units))[unit] = score;
    labels.computeIfAbsent(step, s -> unset(units))[unit] = label;
  }

  void rank(int step, int rows, int row, double rank, boolean important) {
    ranks.computeIfAbsent(step, s -> filled(rows))[row] = rank;
    List<Integer> half = halves.computeIfAbsent(step, s -> new ArrayList<>());
    if (important) {
      half.add(row);
    }
  }

  void halt(String id, int units, int unit, int time) {
    halts.computeIfAbsent(id, s -> unset(units))[unit] = time;
  }

  void keep(int step, List<Integer> positions) {
    kept.computeIfAbsent(step, s -> new ArrayList<>()).addAll(positions);
  }

  void choose(String router, int size, int row, @Nullable Choice choice) {
    choices.computeIfAbsent(router, r -> new Choice[size])[row] = choice;
  }

  private static double[] filled(int size) {
    double[] all = new double[size];
    Arrays.fill(all, Double.NaN);
    return all;
  }

  private static int[] unset(int size) {
    int[] all = new int[size];
    Arrays.fill(all, -1);
    return all;
  }

  /** Returns the number of rows. */
  public int rows() {
    return rows;
  }

  /** Returns the number of units of the heads. */
  public int units() {
    return exits.length;
  }

  /** Returns a copy of a unit's logits at the place where it left. */
  public double[] logits(int unit) {
    double[] mine = logits[unit];
    if (mine == null) {
      throw new IllegalStateException("unit " + unit + " never left");
    }
    return mine.clone();
  }

  /** Returns the step behind which a unit left. */
  public int exit(int unit) {
    return exits[unit];
  }

  /** Returns the step behind which the encoder was left; -1 without one. */
  public int encoderExit() {
    return encoderExit;
  }

  /** Returns how many blocks a unit ran until it left; of an item, its deepest row. */
  public int depth(int unit) {
    return depths[unit];
  }

  /**
   * Returns the score of a unit of the point behind a step, not rounded; NaN where it was not
   * asked, and where the point has none.
   */
  public double score(int step, int unit) {
    double[] all = scores.get(step);
    return all == null ? Double.NaN : all[unit];
  }

  /** Returns a copy of the scores of all units of the point behind a step; empty for none. */
  public double[] scores(int step) {
    return scores.getOrDefault(step, new double[0]).clone();
  }

  /** Returns the label of a unit of the point behind a step; -1 where none was asked for. */
  public int label(int step, int unit) {
    int[] all = labels.get(step);
    return all == null ? -1 : all[unit];
  }

  /** Returns the time, from 0, behind which a unit of a halt went on; -1 for other units. */
  public int halt(String id, int unit) {
    int[] all = halts.get(id);
    return all == null ? -1 : all[unit];
  }

  /**
   * Returns the positions that stay at the prune behind a step by the oracle's own scores, whatever
   * was forced.
   */
  public List<Integer> kept(int step) {
    return List.copyOf(kept.getOrDefault(step, List.of()));
  }

  /** Returns how important a row is at the prune by redundancy behind a step; NaN elsewhere. */
  public double rank(int step, int row) {
    double[] all = ranks.get(step);
    return all == null ? Double.NaN : all[row];
  }

  /**
   * Returns the positions of the more important half at the prune by redundancy behind a step, by
   * the oracle's own ranks, whatever was forced; empty for other steps.
   */
  public List<Integer> half(int step) {
    return List.copyOf(halves.getOrDefault(step, List.of()));
  }

  /**
   * Returns the names of all runs of routers, in the order in which they ran: the path of a mixture
   * or skip, with {@code #n} behind it for run n, from 0, of a block that runs more than once in
   * the plan, loops to their last time.
   */
  public List<String> routers() {
    return List.copyOf(choices.keySet());
  }

  /**
   * Returns what a run of a router did with a row; null if the row was not asked. Rows of routers
   * in the encoder are those of its event.
   */
  public @Nullable Choice choice(String router, int row) {
    @Nullable Choice[] all = choices.get(router);
    if (all == null) {
      throw new IllegalArgumentException(router + " is not one of " + choices.keySet());
    }
    return all[row];
  }
}
