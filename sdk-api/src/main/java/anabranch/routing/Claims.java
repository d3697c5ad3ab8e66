package anabranch.routing;

import anabranch.model.route.Capacity;
import anabranch.model.route.Router;
import java.util.Arrays;

/**
 * Steps 4 and 5 for one span whose rows are picked by the experts; the arrays are scratch. Confined
 * to one thread.
 */
final class Claims {
  private final Router router;
  private final Capacity.Size size;
  private final int experts;
  private final Ranks ranks = new Ranks();
  private int[] row = new int[0];
  private double[] preference = new double[0];
  private double[] gate = new double[0];
  private boolean[] picked = new boolean[0];
  private int count;

  Claims(Router router, Capacity.Size size, int experts) {
    this.router = router;
    this.size = size;
    this.experts = experts;
  }

  /** Begins a span of at most that many live rows. */
  void begin(int most) {
    count = 0;
    if (row.length < most) {
      row = new int[most];
      preference = new double[Math.multiplyExact(most, experts)];
      gate = new double[most * experts];
      picked = new boolean[most * experts];
    }
  }

  /** Adds the scores of the next live row. */
  void add(int number, Scores scores) {
    row[count] = number;
    System.arraycopy(scores.preference, 0, preference, count * experts, experts);
    for (int e = 0; e < experts; e++) {
      gate[count * experts + e] =
          router.gate().scale() * Picks.weight(router.gate().of(), scores, e);
    }
    count++;
  }

  /** Lets every expert pick its rows, and writes what each row got. */
  void settle(Assignment into) {
    Arrays.fill(picked, 0, count * experts, false);
    int each = size.of(count, 1, experts);
    for (int e = 0; e < experts; e++) {
      ranks.begin(count);
      for (int i = 0; i < count; i++) {
        ranks.add(preference[i * experts + e]);
      }
      ranks.sort();
      for (int i = 0; i < each; i++) {
        picked[ranks.at(i) * experts + e] = true;
      }
    }
    for (int i = 0; i < count; i++) {
      write(i * experts, row[i], into);
    }
  }

  private void write(int base, int number, Assignment into) {
    ranks.begin(experts);
    for (int e = 0; e < experts; e++) {
      ranks.add(preference[base + e]);
    }
    ranks.sort();
    int choice = 0;
    for (int i = 0; i < experts; i++) {
      int e = ranks.at(i);
      if (picked[base + e]) {
        into.set(number, choice++, e, gate[base + e]);
      }
    }
  }
}
