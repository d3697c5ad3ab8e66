package anabranch.routing;

import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import java.util.Arrays;

/** Steps 2 and 3 for one row after another; the arrays are scratch. Confined to one thread. */
final class Scores {
  final double[] logit;
  final double[] score;
  final double[] preference;
  private final Router router;
  private final float[] correction;
  private final boolean[] kept;
  private final double[] best;

  Scores(Router router, int choices, float[] correction) {
    this.router = router;
    this.correction = correction;
    logit = new double[choices];
    score = new double[choices];
    preference = new double[choices];
    Preference.Groups groups = router.preference().groups();
    kept = new boolean[groups == null ? 0 : groups.count()];
    best = new double[groups == null ? 0 : groups.best()];
  }

  /** Fills {@link #score} and {@link #preference} from {@link #logit}. */
  void take() {
    if (router.score() == Score.SOFTMAX) {
      softmax();
    } else if (router.score() == Score.SIGMOID) {
      for (int e = 0; e < logit.length; e++) {
        score[e] = sigmoid(logit[e]);
      }
    } else if (router.score() == Score.REST) {
      for (int e = 0; e < logit.length; e++) {
        score[e] = 1 - Math.min(1, Math.max(0, logit[e]));
      }
    } else {
      System.arraycopy(logit, 0, score, 0, logit.length);
    }
    prefer();
  }

  static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  private void softmax() {
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
  }

  private void prefer() {
    System.arraycopy(score, 0, preference, 0, score.length);
    for (int e = 0; e < correction.length; e++) {
      preference[e] += correction[e];
    }
    Integer always = router.preference().always();
    if (always != null) {
      Arrays.fill(preference, 0, always, Double.POSITIVE_INFINITY);
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
}
