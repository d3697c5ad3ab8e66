package anabranch.routing;

import anabranch.model.route.Gate;
import anabranch.model.route.Preference;
import anabranch.model.route.Router;
import anabranch.model.route.Score;
import anabranch.model.route.Selection;
import java.util.Arrays;

/**
 * The ranking for routers whose k best logits say everything: weights are shares of these alone, so
 * that what the others have in the softmax cancels. With it the steps take half of the time that
 * they take one by one; it declines rows for which rounding might make another choice of them. The
 * arrays are scratch. Confined to one thread.
 */
final class Leaders {
  /** Logits nearer than this, and not equal, might have the same softmax. */
  private static final double NEAR = 1e-9;

  /** Logits farther below the best might have none. */
  private static final double FAR = 700;

  private final boolean bySoftmax;
  private final int k;

  /** Logits above their experts, in ascending order: the best, and one more where there is one. */
  private final long[] best;

  /**
   * Prepares room.
   *
   * @param router of which {@link #decide} holds
   */
  Leaders(Router router, int members) {
    bySoftmax = router.score() == Score.SOFTMAX;
    k = router.selection().most(members);
    best = new long[Math.min(k + 1, members)];
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
   * Fills in whom a row picks, best first; returns false, and fills in nothing of use, where the
   * steps have to be taken one by one.
   */
  boolean take(float[] logits, int[] expert) {
    rank(logits);
    double first = logits[expertAt(0)];
    double before = first;
    for (int i = 0; i < best.length; i++) {
      double own = logits[expertAt(i)];
      boolean unsure = own != before && before - own < NEAR || i < k && first - own > FAR;
      if (bySoftmax && unsure) {
        return false;
      } else if (i < k) {
        expert[i] = expertAt(i);
      }
      before = own;
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
