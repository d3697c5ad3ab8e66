package anabranch.conformance.reference;

import static anabranch.conformance.reference.Arithmetic.project;
import static anabranch.conformance.reference.Arithmetic.sigmoid;
import static anabranch.conformance.reference.Arithmetic.softmax;

import anabranch.conformance.reference.Verdict.Choice;
import anabranch.model.route.Gate;
import anabranch.model.route.Logits;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A router with its weights: the eight steps, each a method. */
final class RouterPart {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final Router router;
  private final int experts;
  private final double[][] weight;
  private final double @Nullable [] bias;
  private final double @Nullable [] correction;

  /** Creates a router from its weights; those it does not have are left out. */
  RouterPart(
      Router router,
      int experts,
      double[][] weight,
      double @Nullable [] bias,
      double @Nullable [] correction) {
    this.router = router;
    this.experts = experts;
    this.weight = weight;
    this.bias = bias;
    this.correction = correction;
  }

  /** Reads a router from the weights under {@code path}. */
  static RouterPart read(Router router, int experts, String path, Parameters parameters) {
    return new RouterPart(
        router,
        experts,
        router.hasWeight() ? parameters.matrix(path + ".weight") : new double[0][],
        router.hasBias() ? parameters.vector(path + ".bias") : null,
        router.hasCorrection() ? parameters.vector(path + ".correction") : null);
  }

  /**
   * Chooses the experts of one row.
   *
   * @param x what the experts see, {@code [width]}
   * @param token the row's token id; any number where rows have none
   * @param forced the experts to run instead of the router's own; null to leave it free
   */
  Choice choose(double[] x, int token, @Nullable List<Integer> forced) {
    return choose(logits(x, token), forced);
  }

  /** Chooses by logits, {@code [experts]}. */
  Choice choose(double[] z, @Nullable List<Integer> forced) {
    double[] scores = score(z);
    double[] preferences = new double[experts];
    for (int e = 0; e < experts; e++) {
      preferences[e] = scores[e] + (correction == null ? 0 : correction[e]);
    }
    double margin = Double.POSITIVE_INFINITY;
    double[] ranked = preferences;
    Preference.Groups groups = router.preference().groups();
    if (groups != null) {
      double[] worth = worth(preferences, groups);
      List<Integer> order = order(worth);
      margin = gap(worth, order, groups.keep());
      ranked = masked(preferences, groups, order.subList(0, groups.keep()));
    }
    int k = router.selection().k();
    List<Integer> order = order(ranked);
    margin = Math.min(margin, gap(ranked, order, k));
    List<Integer> own = order.subList(0, k);
    for (int e : own) {
      if (Double.isNaN(ranked[e])) {
        throw new ArithmeticException("expert " + e + " would be picked for a preference of NaN");
      }
    }
    List<Integer> taken = forced == null ? own : forced;
    List<Double> beside = new ArrayList<>();
    for (int e : taken) {
      beside.add(ranked[e]);
    }
    boolean exact = router.logits() instanceof Logits.TokenHash;
    return new Choice(
        taken, gates(z, scores, taken), own, beside, exact ? Double.POSITIVE_INFINITY : margin);
  }

  /** Step 1: one number for each expert, {@code [experts]}. */
  private double[] logits(double[] x, int token) {
    if (router.logits() instanceof Logits.TokenHash hash) {
      double[] z = new double[experts];
      z[below(fold(hash.seed(), token), experts)] = 1;
      return z;
    }
    return project(weight, bias, x);
  }

  /** Step 2: a function of the logits, {@code [experts]}. */
  private double[] score(double[] z) {
    return switch (router.score()) {
      case SOFTMAX -> softmax(z);
      case SIGMOID -> {
        double[] a = new double[z.length];
        for (int e = 0; e < z.length; e++) {
          a[e] = sigmoid(z[e]);
        }
        yield a;
      }
      case IDENTITY -> z.clone();
    };
  }

  /** Step 3: what each group is worth, {@code [groups]}: the sum of its best members. */
  private double[] worth(double[] preferences, Preference.Groups groups) {
    int each = experts / groups.count();
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

  private double[] masked(double[] preferences, Preference.Groups groups, List<Integer> kept) {
    int each = experts / groups.count();
    double[] masked = preferences.clone();
    for (int e = 0; e < experts; e++) {
      if (!kept.contains(e / each)) {
        masked[e] = groups.maskedToZero() ? 0 : Double.NEGATIVE_INFINITY;
      }
    }
    return masked;
  }

  /** Step 4: indices by value, best first; ties to the lower index, NaN last. */
  private static List<Integer> order(double[] values) {
    List<Integer> order = new ArrayList<>();
    for (int next = 0; next < values.length; next++) {
      int at = order.size();
      while (at > 0 && better(values[next], values[order.get(at - 1)])) {
        at--;
      }
      order.add(at, next);
    }
    return order;
  }

  private static boolean better(double a, double b) {
    return a > b || (Double.isNaN(b) && !Double.isNaN(a));
  }

  private static double gap(double[] values, List<Integer> order, int kept) {
    return kept == order.size()
        ? Double.POSITIVE_INFINITY
        : values[order.get(kept - 1)] - values[order.get(kept)];
  }

  /** Step 5: the weight of each expert that was taken, beside it. */
  private List<Double> gates(double[] z, double[] scores, List<Integer> taken) {
    double[] chosen = new double[taken.size()];
    for (int i = 0; i < chosen.length; i++) {
      int e = taken.get(i);
      chosen[i] =
          switch (router.gate().of()) {
            case SCORE -> scores[e];
            case SOFTMAX_OF_SELECTED -> z[e];
            case SIGMOID_OF_SELECTED -> sigmoid(z[e]);
            case ONE -> 1;
          };
    }
    if (router.gate().of() == Gate.Of.SOFTMAX_OF_SELECTED) {
      chosen = softmax(chosen);
    }
    double divisor = 1;
    Gate.Normalise normalise = router.gate().normalise();
    if (normalise != null) {
      divisor = normalise.epsilon();
      for (double weight : chosen) {
        divisor += weight;
      }
    }
    List<Double> gates = new ArrayList<>();
    for (double weight : chosen) {
      gates.add(router.gate().scale() * weight / divisor);
    }
    return gates;
  }

  /** Folds one word into a hash. */
  static long fold(long hash, long word) {
    return mix(hash + GOLDEN + mix(word + GOLDEN));
  }

  /** The finaliser of SplitMix64 (Steele et al.). */
  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Returns a number in {@code 0..n-1} from the upper half of a hash. */
  static int below(long hash, int n) {
    return (int) (((hash >>> 32) * n) >>> 32);
  }
}
