package anabranch.conformance.reference.route;

import anabranch.model.route.Selection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Step 4 of a router: which members a row picks, and how far another pick was. Stateless. */
final class Selections {
  private Selections() {}

  /** Picks for every row of a call, from what {@link Preferences} ranked. */
  static void pick(Selection selection, List<Draft> rows) {
    if (selection instanceof Selection.ExpertChoice choice) {
      Map<Integer, List<Draft>> spans = new TreeMap<>();
      rows.forEach(r -> spans.computeIfAbsent(r.asking.span(), s -> new ArrayList<>()).add(r));
      spans.values().forEach(span -> expertChoice(choice, span));
      return;
    }
    for (Draft row : rows) {
      if (selection instanceof Selection.TopK top) {
        topK(top.k(), row);
      } else if (selection instanceof Selection.Threshold threshold) {
        threshold(threshold, row);
      } else {
        prefix((Selection.Prefix) selection, row);
      }
    }
  }

  /** Rule R4.1: the k best, best first; ties to the lower index. */
  private static void topK(int k, Draft row) {
    List<Integer> order = Preferences.order(row.ranked);
    row.near(Preferences.gap(row.ranked, order, k));
    row.own = order.subList(0, k);
  }

  /** Rule R4.2: every member whose preference is enough, best first. */
  private static void threshold(Selection.Threshold threshold, Draft row) {
    List<Integer> own = new ArrayList<>();
    for (int e : Preferences.order(row.ranked)) {
      if (threshold.admits(row.ranked[e])) {
        own.add(e);
      }
      row.near(Math.abs(row.ranked[e] - threshold.bound()));
    }
    row.own = own;
  }

  /** Rule R4.3: the first n, where n is the best of all numbers from none on, raised to least. */
  private static void prefix(Selection.Prefix prefix, Draft row) {
    double[] c = row.ranked; // [experts + 1]
    int n = 0;
    for (int i = 1; i < c.length; i++) {
      n = c[i] > c[n] ? i : n;
    }
    n = Math.max(n, prefix.least());
    double same = Double.NEGATIVE_INFINITY;
    double other = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < c.length; i++) {
      if (Math.max(i, prefix.least()) == n) {
        same = Math.max(same, c[i]);
      } else {
        other = Math.max(other, c[i]);
      }
    }
    row.near(same - other);
    List<Integer> own = new ArrayList<>();
    for (int e = 0; e < n; e++) {
      own.add(e);
    }
    row.own = own;
  }

  /**
   * Rule R4.4: each member picks its best rows of the span, ties to the earlier one; a row's
   * members are listed by preference.
   *
   * @param rows of one span, by position
   */
  private static void expertChoice(Selection.ExpertChoice choice, List<Draft> rows) {
    int experts = rows.get(0).ranked.length;
    int count = choice.rows().of(rows.size(), 1, experts);
    boolean[][] picked = new boolean[rows.size()][experts];
    for (int e = 0; e < experts; e++) {
      double[] column = new double[rows.size()];
      for (int r = 0; r < column.length; r++) {
        column[r] = rows.get(r).ranked[e];
      }
      List<Integer> order = Preferences.order(column);
      for (int place = 0; place < column.length; place++) {
        int r = order.get(place);
        picked[r][e] = place < count;
        if (count > 0 && count < column.length) {
          double border = column[order.get(place < count ? count : count - 1)];
          rows.get(r).near(Math.abs(column[r] - border));
        }
      }
    }
    for (int r = 0; r < rows.size(); r++) {
      boolean[] mine = picked[r];
      rows.get(r).own =
          Preferences.order(rows.get(r).ranked).stream().filter(e -> mine[e]).toList();
    }
  }

  /**
   * Rule R4.5: which choices behind the first stay, by their gates before anything is dropped.
   *
   * @param block the number of the router's block, which is hashed
   * @param gates beside the row's own pick
   */
  static void secondary(Selection.Secondary secondary, int block, Draft row, List<Double> gates) {
    List<Integer> kept = new ArrayList<>(row.own.subList(0, 1));
    for (int rank = 1; rank < row.own.size(); rank++) {
      double gate = gates.get(rank);
      double bound = secondary.threshold();
      boolean stays = gate > bound;
      Long seed = secondary.seed();
      if (seed != null) {
        Asking asking = row.asking;
        long key = asking.event().key();
        double coin = Hashes.unit(Hashes.hash(seed, block, key, asking.position(), rank));
        stays = coin < gate / bound;
        bound *= coin;
      }
      row.near(Math.abs(gate - bound));
      if (stays) {
        kept.add(row.own.get(rank));
      }
    }
    row.own = kept;
  }
}
