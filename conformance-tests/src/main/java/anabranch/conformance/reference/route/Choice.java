package anabranch.conformance.reference.route;

import java.util.List;

/**
 * What one run of a router did with one row.
 *
 * @param taken the members that were picked, in the order of their choice: an index, or {@code -2 -
 *     e} for a member e that had no room
 * @param gates the weight of each, 0 beside those that had no room
 * @param own what the router would have picked itself, written alike; differs from {@code taken}
 *     only where that was forced
 * @param preferences the number by which each of those taken is ranked
 * @param margin how far the router's own pick is from another; infinite where nothing was left out,
 *     or where the choice is no matter of rounding (hashes, tables, random ones)
 */
public record Choice(
    List<Integer> taken,
    List<Double> gates,
    List<Integer> own,
    List<Double> preferences,
    double margin) {
  /** Copies the lists. */
  public Choice {
    taken = List.copyOf(taken);
    gates = List.copyOf(gates);
    own = List.copyOf(own);
    preferences = List.copyOf(preferences);
  }

  /** Returns the members that ran, in the order of their choice. */
  public List<Integer> experts() {
    return taken.stream().filter(e -> e >= 0).toList();
  }

  /** Returns the members that were picked and had no room. */
  public List<Integer> dropped() {
    return taken.stream().filter(e -> e < 0).map(e -> -2 - e).toList();
  }

  /** Returns the weight of a member; 0 where it did not run. */
  public double gate(int expert) {
    int at = taken.indexOf(expert);
    return at < 0 ? 0 : gates.get(at);
  }
}
