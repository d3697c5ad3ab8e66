package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.plus;
import static anabranch.conformance.reference.part.Arithmetic.times;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;

/**
 * The projections of one head, of which a row takes some.
 *
 * @param experts their weights, {@code [out, in]} each
 */
record HeadExperts(List<Projection> experts) {
  /** Copies the list. */
  HeadExperts {
    experts = List.copyOf(experts);
  }

  /** Reads those of each head under {@code path}. */
  static List<HeadExperts> read(String path, int heads, int experts, Parameters parameters) {
    List<HeadExperts> all = new ArrayList<>();
    for (int h = 0; h < heads; h++) {
      List<Projection> own = new ArrayList<>();
      for (int e = 0; e < experts; e++) {
        own.add(Projection.read(path + "." + h + ".experts." + e, false, parameters));
      }
      all.add(new HeadExperts(own));
    }
    return all;
  }

  /** Rule A29: what the experts taken make of x, weighed, summed in ascending order. */
  double[] of(double[] x, SortedMap<Integer, Double> taken) {
    double[] sum = new double[experts.get(0).weight().length];
    for (int e : taken.keySet()) {
      sum = plus(sum, times(taken.get(e), experts.get(e).of(x)));
    }
    return sum;
  }
}
