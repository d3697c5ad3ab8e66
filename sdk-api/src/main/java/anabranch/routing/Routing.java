package anabranch.routing;

import anabranch.error.WeightsException;
import anabranch.model.Mixture;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Takes the decisions of one mixture: from a row's logits, or its token id, to its experts and
 * gates.
 *
 * <p>All steps run in double precision and a gate is rounded to fp32 once, at the end. Ties go to
 * the lower expert index, and -0 ties with +0. Rows do not see each other, so a row's decision has
 * the same bits in any batch. Immutable; any thread.
 */
public final class Routing {
  private final String path;
  private final int experts;
  private final Router router;
  private final float[] correction;

  private Routing(String path, int experts, Router router, float[] correction) {
    this.path = path;
    this.experts = experts;
    this.router = router;
    this.correction = correction;
  }

  /**
   * Returns the routing of a mixture.
   *
   * @param path names the mixture in errors, such as {@code "blocks.0.mixture"}
   * @param mixture the description
   * @param correction the learned vector of step 3, one number for each expert; null exactly where
   *     the router has none
   * @throws WeightsException if the correction is missing, surplus, of another length or not finite
   */
  public static Routing of(String path, Mixture mixture, float @Nullable [] correction) {
    int needed = mixture.router().hasCorrection() ? mixture.experts() : 0;
    int given = correction == null ? 0 : correction.length;
    if (given != needed) {
      throw new WeightsException(
          path + ".router.correction has " + given + " numbers instead of " + needed);
    }
    float[] copy = correction == null ? new float[0] : correction.clone();
    for (int e = 0; e < copy.length; e++) {
      if (!Float.isFinite(copy[e])) {
        throw new WeightsException(
            path + ".router.correction[" + e + "] " + copy[e] + " is not finite");
      }
    }
    return new Routing(path, mixture.experts(), mixture.router(), copy);
  }

  /** Returns whether decisions are taken from token ids, by {@link #decideByToken}. */
  public boolean readsTokens() {
    return router.needsTokenIds();
  }

  /**
   * Decides from logits.
   *
   * @param logits the matrix product of the router, read from index 0: one run of {@code experts}
   *     numbers for each live row, in order
   * @param live which rows of the batch run; the others get -1
   * @param into receives one entry for each element of {@code live}
   * @throws ArithmeticException if a logit or a gate is not finite, naming row and expert
   * @throws IllegalStateException if this routing reads token ids
   */
  public void decide(FloatBuffer logits, boolean[] live, Assignment into) {
    if (readsTokens()) {
      throw new IllegalStateException(path + " routes by token id, not by logits");
    }
    into.reset(live.length, router.selection().k());
    Decision decision = new Decision(router, experts, correction);
    int at = 0;
    for (int row = 0; row < live.length; row++) {
      if (!live[row]) {
        continue;
      }
      for (int e = 0; e < experts; e++) {
        float z = logits.get(at++);
        if (!Float.isFinite(z)) {
          throw bad("logit", z, row, e);
        }
        decision.logit[e] = z;
      }
      write(decision, row, into);
    }
  }

  /**
   * Decides from token ids.
   *
   * @param tokens the id of each live row, in order
   * @param live which rows run; the others get -1
   * @param into receives one entry for each element of {@code live}
   * @throws ArithmeticException if a gate is not finite, naming row and expert
   * @throws IllegalStateException if this routing reads logits
   */
  public void decideByToken(int[] tokens, boolean[] live, Assignment into) {
    if (!(router.logits() instanceof Logits.TokenHash hash)) {
      throw new IllegalStateException(path + " routes by logits, not by token id");
    }
    into.reset(live.length, router.selection().k());
    Decision decision = new Decision(router, experts, correction);
    int at = 0;
    for (int row = 0; row < live.length; row++) {
      if (live[row]) {
        int hashed = TokenHash.expert(hash.seed(), tokens[at++], experts);
        for (int e = 0; e < experts; e++) {
          decision.logit[e] = e == hashed ? 1 : 0;
        }
        write(decision, row, into);
      }
    }
  }

  private void write(Decision decision, int row, Assignment into) {
    decision.take();
    for (int i = 0; i < decision.selected.length; i++) {
      float gate = (float) decision.gate[i];
      if (!Float.isFinite(gate)) {
        throw bad("gate", gate, row, decision.selected[i]);
      }
      into.set(row, i, decision.selected[i], gate);
    }
  }

  private ArithmeticException bad(String what, float value, int row, int expert) {
    return new ArithmeticException(
        path
            + ": "
            + what
            + " "
            + value
            + " of row "
            + row
            + ", expert "
            + expert
            + " is not finite");
  }
}
