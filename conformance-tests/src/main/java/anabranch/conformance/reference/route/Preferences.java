package anabranch.conformance.reference.route;

import anabranch.model.route.Preference;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Step 3 of a router. Stateless. */
final class Preferences {
  private Preferences() {}

  /** Rule R3: the scores plus the correction, within the best groups; always is before all. */
  static void rank(Preference preference, double @Nullable [] correction, Draft draft) {
    double[] preferences = draft.scores.clone();
    for (int e = 0; e < preferences.length; e++) {
      preferences[e] += correction == null ? 0 : correction[e];
    }
    for (int e = 0; preference.always() != null && e < preference.always(); e++) {
      preferences[e] = Double.POSITIVE_INFINITY;
    }
    draft.ranked = preferences;
    Preference.Groups groups = preference.groups();
    if (groups != null) {
      double[] worth = worth(preferences, groups);
      List<Integer> order = order(worth);
      draft.near(gap(worth, order, groups.keep()));
      draft.ranked = masked(preferences, groups, order.subList(0, groups.keep()));
    }
  }

  /** Returns what each group is worth, {@code [groups]}: the sum of its best members. */
  private static double[] worth(double[] preferences, Preference.Groups groups) {
    int each = preferences.length / groups.count();
    double[] worth = new double[groups.count()];
    for (int g = 0; g < worth.length; g++) {
      double[] members = new double[each];
      for (int m = 0; m < each; m++) {
        members[m] = preferences[g * each + m];
      }
      for (int m : order(members).subList(0, groups.best())) {
        worth[g] += members[m];
      }
    }
    return worth;
  }

  private static double[] masked(
      double[] preferences, Preference.Groups groups, List<Integer> kept) {
    int each = preferences.length / groups.count();
    double[] masked = preferences.clone();
    for (int e = 0; e < masked.length; e++) {
      if (!kept.contains(e / each)) {
        masked[e] = groups.maskedToZero() ? 0 : Double.NEGATIVE_INFINITY;
      }
    }
    return masked;
  }

  /** Returns indices by value, best first; ties to the lower index. */
  static List<Integer> order(double[] values) {
    List<Integer> order = new ArrayList<>();
    for (int next = 0; next < values.length; next++) {
      int at = order.size();
      while (at > 0 && values[next] > values[order.get(at - 1)]) {
        at--;
      }
      order.add(at, next);
    }
    return order;
  }

  /** Returns the gap behind the first {@code kept} of an order; infinite where that is all. */
  static double gap(double[] values, List<Integer> order, int kept) {
    return kept == 0 || kept >= order.size()
        ? Double.POSITIVE_INFINITY
        : values[order.get(kept - 1)] - values[order.get(kept)];
  }
}
