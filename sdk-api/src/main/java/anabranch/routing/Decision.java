package anabranch.routing;

import anabranch.model.route.Gate;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import java.util.Arrays;

/** Steps 2 to 5 for one row after another; the arrays are scratch. Confined to one call. */
final class Decision {
  final double[] logit;
  final int[] selected;
  final double[] gate;
  private final Router router;
  private final float[] correction;
  private final double[] score;
  private final double[] preference;
  private final boolean[] kept;
  private final double[] best;

  Decision(Router router, int experts, float[] correction) {
    this.router = router;
    this.correction = correction;
    int k = router.selection().k();
    logit = new double[experts];
    score = new double[experts];
    preference = new double[experts];
    selected = new int[k];
    gate = new double[k];
    Preference.Groups groups = router.preference().groups();
    kept = new boolean[groups == null ? 0 : groups.count()];
    best = new double[groups == null ? 0 : groups.best()];
  }

  /** Fills {@link #selected} and {@link #gate} from {@link #logit}. */
  void take() {
    score();
    prefer();
    select();
    weigh();
  }

  private void score() {
    if (router.score() == Score.SOFTMAX) {
      double max = Double.NEGATIVE_INFINITY;
      for (double z : logit) {
        max = Math.max(max, z);
      }
      double sum = 0;
      for (int e = 0; e < logit.length; e++) {
        score[e] = Math.exp(logit[e] - max);
        sum += score[e];
      }
      for (int e = 0; e < logit.length; e++) {
        score[e] /= sum;
      }
    } else if (router.score() == Score.SIGMOID) {
      for (int e = 0; e < logit.length; e++) {
        score[e] = sigmoid(logit[e]);
      }
    } else {
      System.arraycopy(logit, 0, score, 0, logit.length);
    }
  }

  private void prefer() {
    System.arraycopy(score, 0, preference, 0, score.length);
    for (int e = 0; e < correction.length; e++) {
      preference[e] += correction[e];
    }
    Preference.Groups groups = router.preference().groups();
    if (groups == null) {
      return;
    }
    keepBest(groups);
    int each = preference.length / groups.count();
    double masked = groups.maskedToZero() ? 0 : Double.NEGATIVE_INFINITY;
    for (int e = 0; e < preference.length; e++) {
      if (!kept[e / each]) {
        preference[e] = masked;
      }
    }
  }

  private void keepBest(Preference.Groups groups) {
    int each = preference.length / groups.count();
    Arrays.fill(kept, false);
    for (int round = 0; round < groups.keep(); round++) {
      int winner = -1;
      double most = 0;
      for (int g = 0; g < kept.length; g++) {
        if (!kept[g]) {
          double worth = worth(g * each, each);
          if (winner < 0 || worth > most) {
            winner = g;
            most = worth;
          }
        }
      }
      kept[winner] = true;
    }
  }

  /**
   * Returns the sum of the largest preferences among {@code each} experts from {@code first} on.
   */
  private double worth(int first, int each) {
    Arrays.fill(best, Double.NEGATIVE_INFINITY);
    for (int e = first; e < first + each; e++) {
      double rest = preference[e];
      for (int i = 0; i < best.length; i++) {
        if (rest > best[i]) {
          double lower = best[i];
          best[i] = rest;
          rest = lower;
        }
      }
    }
    double sum = 0;
    for (double member : best) {
      sum += member;
    }
    return sum;
  }

  /** Inserts each expert into the ranking; only a greater preference overtakes a lower index. */
  private void select() {
    int count = 0;
    for (int e = 0; e < preference.length; e++) {
      int at = count;
      while (at > 0 && preference[e] > preference[selected[at - 1]]) {
        at--;
      }
      if (at < selected.length) {
        int last = Math.min(count, selected.length - 1);
        System.arraycopy(selected, at, selected, at + 1, last - at);
        selected[at] = e;
        count = Math.min(count + 1, selected.length);
      }
    }
  }

  private void weigh() {
    Gate how = router.gate();
    if (how.of() == Gate.Of.SOFTMAX_OF_SELECTED) {
      softmaxOfSelected();
    } else {
      for (int i = 0; i < gate.length; i++) {
        gate[i] =
            switch (how.of()) {
              case SCORE -> score[selected[i]];
              case SIGMOID_OF_SELECTED -> sigmoid(logit[selected[i]]);
              default -> 1;
            };
      }
    }
    double divisor = 1;
    Gate.Normalise normalise = how.normalise();
    if (normalise != null) {
      divisor = normalise.epsilon();
      for (double weight : gate) {
        divisor += weight;
      }
    }
    for (int i = 0; i < gate.length; i++) {
      gate[i] = how.scale() * (gate[i] / divisor);
    }
  }

  private void softmaxOfSelected() {
    double max = Double.NEGATIVE_INFINITY;
    for (int e : selected) {
      max = Math.max(max, logit[e]);
    }
    double sum = 0;
    for (int i = 0; i < gate.length; i++) {
      gate[i] = Math.exp(logit[selected[i]] - max);
      sum += gate[i];
    }
    for (int i = 0; i < gate.length; i++) {
      gate[i] /= sum;
    }
  }

  private static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }
}
