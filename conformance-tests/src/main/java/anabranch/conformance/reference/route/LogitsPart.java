package anabranch.conformance.reference.route;

import static anabranch.conformance.reference.part.Arithmetic.activate;
import static anabranch.conformance.reference.part.Arithmetic.project;

import anabranch.model.layer.Activation;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import anabranch.model.route.Source;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The first step of a router, with its weights.
 *
 * @param weight {@code [choices, width]}; empty without one
 * @param bias {@code [choices]}; null for none
 * @param table the expert of each token id; empty without one
 * @param hidden what the weights read in place of the vector; null where they read it
 */
record LogitsPart(
    Router router,
    int experts,
    double[][] weight,
    double @Nullable [] bias,
    int[] table,
    @Nullable Hidden hidden) {
  /**
   * A layer between the vector and the logits.
   *
   * @param weight {@code [inner, width]}
   * @param bias {@code [inner]}; null for none
   */
  record Hidden(double[][] weight, double @Nullable [] bias, Activation activation) {
    /** Rule R1: the hidden layer, {@code [inner]}. */
    double[] of(double[] x) {
      return Arrays.stream(project(weight, bias, x)).map(y -> activate(activation, y)).toArray();
    }
  }

  /** Rule R1: one number for each choice, {@code [choices]}. */
  double[] of(double[] x, Asking row, int block) {
    double[] z = new double[router.logitsFor(experts)];
    if (router.logits() instanceof Logits.TokenHash hash) {
      z[Hashes.below(Hashes.hash(hash.seed(), row.event().token(row.position())), experts)] = 1;
    } else if (router.logits() instanceof Logits.TokenTable) {
      z[table[row.event().token(row.position())]] = 1;
    } else if (router.logits() instanceof Logits.Random random) {
      long key = row.event().key();
      long hash =
          router.source() == Source.KEY
              ? Hashes.hash(random.seed(), block, key)
              : Hashes.hash(random.seed(), block, key, row.position());
      z[Hashes.below(hash, experts)] = 1;
    } else if (router.logits() instanceof Logits.Recalled recalled) {
      z = row.carried().get(recalled.from());
    } else if (router.logits() instanceof Logits.Conditioned conditioned) {
      z = project(weight, bias, read(conditioned, row.event().condition(conditioned.numbers())));
    } else if (router.logits() instanceof Logits.Accumulated sum) {
      z = accumulated(sum, project(weight, bias, x), row.carried());
    } else {
      z = project(weight, bias, hidden == null ? x : hidden.of(x));
    }
    return z;
  }

  /** Rule R1: what the weights read of a condition, {@code [numbers]}. */
  private static double[] read(Logits.Conditioned conditioned, FloatBuffer condition) {
    double[] c = new double[conditioned.numbers()];
    for (int i = 0; i < c.length; i++) {
      c[i] = activate(conditioned.activation(), condition.get(i));
    }
    return c;
  }

  /** Rule R13: the positive part joins what an earlier router came to, and is remembered. */
  private static double[] accumulated(
      Logits.Accumulated sum, double[] own, Map<String, double[]> carried) {
    double[] z = new double[own.length];
    for (int e = 0; e < z.length; e++) {
      double before = sum.from() == null ? 0 : carried.get(sum.from())[e];
      z[e] = Math.max(0, own[e]) + before;
    }
    carried.put(sum.as(), z);
    return z;
  }
}
