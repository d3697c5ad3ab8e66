package anabranch.conformance.reference.route;

import java.util.ArrayList;
import java.util.List;

/** A decision about one row while its steps are taken. Confined to one call. */
final class Draft {
  final Asking asking;

  /** Step 1, {@code [choices]}. */
  final double[] logits;

  /** Step 2, {@code [choices]}. */
  final double[] scores;

  /** Step 3, {@code [choices]}. */
  double[] ranked;

  /** Step 4: what the router picks itself, best first. */
  List<Integer> own = List.of();

  /** What the row takes: its own pick, or what was forced. */
  List<Integer> taken = List.of();

  /** Step 5, beside {@link #taken}: weights before anything is dropped. */
  List<Double> weights = List.of();

  /** Step 6, beside {@link #taken}. */
  boolean[] dropped = new boolean[0];

  double margin = Double.POSITIVE_INFINITY;

  Draft(Asking asking, double[] logits, double[] scores) {
    this.asking = asking;
    this.logits = logits;
    this.scores = scores;
    ranked = scores;
  }

  /** Narrows the distance to another pick. */
  void near(double distance) {
    margin = Math.min(margin, distance);
  }

  /** Returns the members that were forced, without those signs that say there was no room. */
  static List<Integer> decoded(List<Integer> forced) {
    List<Integer> members = new ArrayList<>();
    for (int code : forced) {
      if (code != -1) {
        members.add(code >= 0 ? code : -2 - code);
      }
    }
    return members;
  }

  /** Returns members with signs for those that have no room. */
  List<Integer> coded(List<Integer> members) {
    List<Integer> codes = new ArrayList<>();
    for (int e : members) {
      int at = taken.indexOf(e);
      codes.add(at >= 0 && dropped[at] ? -2 - e : e);
    }
    return codes;
  }
}
