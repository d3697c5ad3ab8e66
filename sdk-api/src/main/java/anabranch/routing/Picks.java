package anabranch.routing;

import anabranch.model.route.Gate;
import anabranch.model.route.Router;
import anabranch.model.route.Selection;
import org.jspecify.annotations.Nullable;

/**
 * Steps 4 and 5 for rows that pick for themselves, one after another; the arrays are scratch.
 * Confined to one thread.
 */
final class Picks {
  final int[] expert;
  final double[] gate;
  private final Router router;
  private final Scores scores;
  private final @Nullable Leaders leaders;
  private int count;

  Picks(Router router, int most, Scores scores) {
    this.router = router;
    this.scores = scores;
    expert = new int[most];
    gate = new double[most];
    leaders = Leaders.decide(router) ? new Leaders(router, scores.logit.length) : null;
  }

  /** Fills {@link #expert} and {@link #gate} from the best logits alone, where they suffice. */
  boolean lead(float[] logits) {
    if (leaders == null || !leaders.take(logits, expert)) {
      return false;
    }
    count = expert.length;
    softmaxOfSelected();
    for (int i = 0; i < count; i++) {
      gate[i] *= router.gate().scale();
    }
    return true;
  }

  /** Returns how many experts the row picked. */
  int count() {
    return count;
  }

  /** Takes over a decision about the single member: its gate, or NaN for none. */
  void keep(float kept) {
    count = Float.isNaN(kept) ? 0 : 1;
    expert[0] = 0;
    gate[0] = kept;
  }

  /** Fills {@link #expert} and {@link #gate} from the scores. */
  void take() {
    Selection selection = router.selection();
    if (selection instanceof Selection.Prefix prefix) {
      first(Math.max(best(), prefix.least()));
    } else {
      rank(selection instanceof Selection.Threshold threshold ? threshold : null);
      weigh();
    }
  }

  /** Picks the first n experts, each weighed by the choice of n. */
  private void first(int n) {
    count = n;
    for (int e = 0; e < n; e++) {
      expert[e] = e;
      gate[e] = router.gate().scale() * weight(router.gate().of(), scores, n);
    }
  }

  private int best() {
    int best = 0;
    for (int n = 1; n < scores.preference.length; n++) {
      if (scores.preference[n] > scores.preference[best]) {
        best = n;
      }
    }
    return best;
  }

  /** Inserts each expert into the ranking; only a greater preference overtakes a lower index. */
  private void rank(Selection.@Nullable Threshold threshold) {
    double[] preference = scores.preference;
    int most = expert.length;
    int ranked = 0;
    for (int e = 0; e < preference.length; e++) {
      double own = preference[e];
      boolean full = ranked == most;
      if (threshold != null && !threshold.admits(own)
          || full && !(own > preference[expert[most - 1]])) {
        continue;
      }
      int at = full ? most - 1 : ranked++;
      while (at > 0 && own > preference[expert[at - 1]]) {
        expert[at] = expert[at - 1];
        at--;
      }
      expert[at] = e;
    }
    count = ranked;
  }

  private void weigh() {
    Gate how = router.gate();
    if (how.of() == Gate.Of.SOFTMAX_OF_SELECTED) {
      softmaxOfSelected();
    } else if (how.jitter() != null) {
      softmaxOfNear(how.jitter());
    } else {
      for (int i = 0; i < count; i++) {
        gate[i] = weight(how.of(), scores, expert[i]);
      }
    }
    double divisor = 1;
    Gate.Normalise normalise = how.normalise();
    if (normalise != null && !normalise.afterDrop()) {
      divisor = normalise.epsilon();
      for (int i = 0; i < count; i++) {
        divisor += gate[i];
      }
    }
    for (int i = 0; i < count; i++) {
      gate[i] = how.scale() * (gate[i] / divisor);
    }
  }

  private void softmaxOfSelected() {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      max = Math.max(max, scores.logit[expert[i]]);
    }
    double sum = 0;
    for (int i = 0; i < count; i++) {
      gate[i] = Math.exp(scores.logit[expert[i]] - max);
      sum += gate[i];
    }
    for (int i = 0; i < count; i++) {
      gate[i] /= sum;
    }
  }

  private void softmaxOfNear(double jitter) {
    double[] logit = scores.logit;
    for (int i = 0; i < count; i++) {
      double z = logit[expert[i]];
      double sum = 0;
      for (int e = 0; e < logit.length; e++) {
        boolean far = (z - logit[e]) / Math.max(Math.abs(logit[e]), z) > 2 * jitter;
        if (!far && !picked(e, i)) {
          sum += Math.exp(logit[e] - z);
        }
      }
      gate[i] = 1 / sum;
    }
  }

  private boolean picked(int member, int choices) {
    for (int i = 0; i < choices; i++) {
      if (expert[i] == member) {
        return true;
      }
    }
    return false;
  }

  /** Returns the weight that one choice starts from. */
  static double weight(Gate.Of of, Scores scores, int choice) {
    return switch (of) {
      case SCORE -> scores.score[choice];
      case SIGMOID_OF_SELECTED -> Scores.sigmoid(scores.logit[choice]);
      default -> 1;
    };
  }
}
