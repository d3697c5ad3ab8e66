package anabranch.conformance.reference;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the oracle says of one item. A unit is a row, or the whole item where heads pool. */
public final class Verdict {
  final double[][] logits;
  final int[] exits;
  final int[] depths;
  final double[][] scores;
  final Map<String, @Nullable Choice[]> choices = new LinkedHashMap<>();

  private final int rows;

  Verdict(int rows, int units, int points) {
    this.rows = rows;
    logits = new double[units][];
    exits = new int[units];
    depths = new int[units];
    scores = new double[points][units];
    for (double[] point : scores) {
      Arrays.fill(point, Double.NaN);
    }
  }

  /** Returns the number of rows. */
  public int rows() {
    return rows;
  }

  /** Returns the number of units. */
  public int units() {
    return exits.length;
  }

  /** Returns a copy of a unit's logits at the place where it left. */
  public double[] logits(int unit) {
    return logits[unit].clone();
  }

  /** Returns the index of the point where a unit left: exits in plan order, then the end. */
  public int exit(int unit) {
    return exits[unit];
  }

  /** Returns how many blocks a unit ran. */
  public int depth(int unit) {
    return depths[unit];
  }

  /** Returns a unit's score at an exit; NaN where it had left before, and at the end. */
  public double score(int point, int unit) {
    return scores[point][unit];
  }

  /** Returns the paths of the mixtures in plan order. */
  public List<String> mixtures() {
    return List.copyOf(choices.keySet());
  }

  /** Returns what a mixture did with a row; null if the row had left before. */
  public @Nullable Choice choice(String mixture, int row) {
    @Nullable Choice[] rows = choices.get(mixture);
    if (rows == null) {
      throw new IllegalArgumentException(mixture + " is not one of " + choices.keySet());
    }
    return rows[row];
  }

  /**
   * What one mixture did with one row.
   *
   * @param experts the experts that ran, in the order of their choice
   * @param gates the weight of each
   * @param own the experts the router would have picked itself, best first; differs from {@code
   *     experts} only where those were forced
   * @param preferences the number by which each of the experts that ran is ranked
   * @param margin how far the router's own pick is from another: the least gap between what was
   *     kept and what was not, among groups and among experts; infinite where nothing was left out,
   *     or where the choice is no matter of rounding (hashes)
   */
  public record Choice(
      List<Integer> experts,
      List<Double> gates,
      List<Integer> own,
      List<Double> preferences,
      double margin) {
    /** Copies the lists. */
    public Choice {
      experts = List.copyOf(experts);
      gates = List.copyOf(gates);
      own = List.copyOf(own);
      preferences = List.copyOf(preferences);
    }
  }
}
