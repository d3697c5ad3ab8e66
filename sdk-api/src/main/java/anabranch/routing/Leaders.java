package anabranch.routing;

import anabranch.model.route.Gate;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import java.util.Arrays;

/**
 * Steps 2 to 5 at once for routers whose k best logits say everything: weights are shares of these
 * alone, so that what the others have in the softmax cancels. It takes a third of the time of the
 * steps one by one, and declines the rows for which rounding might make another choice of them. The
 * arrays are scratch. Confined to one thread.
 */
final class Leaders {
  /** Logits nearer than this, and not equal, might have the same softmax. */
  private static final double NEAR = 1e-9;

  /** Logits farther below the best might have none. */
  private static final double FAR = 700;

  private final boolean bySoftmax;
  private final double scale;
  private final int k;

  /** Logits above their experts, in ascending order: the best, and one more where there is one. */
  private final long[] best;

  private final double[] value;

  /**
   * Prepares room.
   *
   * @param router of which {@link #decide} holds
   */
  Leaders(Router router, int members) {
    bySoftmax = router.score() == Score.SOFTMAX;
    scale = router.gate().scale();
    k = router.selection().most(members);
    best = new long[Math.min(k + 1, members)];
    value = new double[best.length];
  }

  /** Returns whether a router needs nothing but the best logits of a row. */
  static boolean decide(Router router) {
    Gate gate = router.gate();
    Gate.Normalise divided = gate.normalise();
    boolean shares =
        router.score() == Score.SOFTMAX
            ? gate.of() == Gate.Of.SCORE
                && divided != null
                && divided.epsilon() == 0
                && !divided.afterDrop()
            : router.score() == Score.IDENTITY
                && gate.of() == Gate.Of.SOFTMAX_OF_SELECTED
                && divided == null;
    return shares
        && router.logits().ofVectors()
        && router.preference().equals(Preference.byScore())
        && router.selection() instanceof Selection.TopK top
        && top.secondary() == null;
  }

  /**
   * Fills in who a row picks, best first, and with what weights; returns false, and fills in
   * nothing of use, where the steps have to be taken one by one.
   */
  boolean take(float[] logits, int[] expert, double[] gate) {
    rank(logits);
    for (int i = 0; i < best.length; i++) {
      value[i] = logits[expertAt(i)];
      double below = i == 0 ? 0 : value[i - 1] - value[i];
      boolean unsure = below != 0 && below < NEAR || i < k && value[0] - value[i] > FAR;
      if (bySoftmax && unsure) {
        return false;
      }
    }
    double sum = 0;
    for (int i = 0; i < k; i++) {
      expert[i] = expertAt(i);
      gate[i] = Math.exp(value[i] - value[0]);
      sum += gate[i];
    }
    for (int i = 0; i < k; i++) {
      gate[i] = scale * (gate[i] / sum);
    }
    return true;
  }

  /** Keeps the best; each goes up past lesser ones without a branch that could go either way. */
  private void rank(float[] logits) {
    long[] kept = best;
    Arrays.fill(kept, Long.MIN_VALUE);
    for (int e = 0; e < logits.length; e++) {
      // -0 becomes +0; of equal logits that of the lower index is the greater.
      int bits = Float.floatToRawIntBits(logits[e] + 0f);
      long rest = (long) (bits ^ bits >> 31 & Integer.MAX_VALUE) << 32 | Integer.MAX_VALUE - e;
      if (rest > kept[0]) {
        for (int i = 1; i < kept.length; i++) {
          long above = kept[i];
          kept[i - 1] = Math.min(above, rest);
          rest = Math.max(above, rest);
        }
        kept[kept.length - 1] = rest;
      }
    }
  }

  private int expertAt(int place) {
    return Integer.MAX_VALUE - (int) best[best.length - 1 - place];
  }
}
