package anabranch.conformance.reference.route;

import anabranch.conformance.reference.part.Arithmetic;
import anabranch.model.route.Gate;
import java.util.ArrayList;
import java.util.List;

/** Step 5 of a router. Stateless. */
final class Gates {
  private Gates() {}

  /**
   * Rule R5: {@code scale * normalise(of)} of each selected member, before anything is dropped;
   * {@code scale * of} where the sum is over what stays, and so is not known yet.
   *
   * @param selected all that share a sum
   * @param weighed those of the selected whose weights are asked for
   * @return beside the weighed
   */
  static List<Double> weigh(Gate gate, Draft row, List<Integer> selected, List<Integer> weighed) {
    double[] raw = raw(gate, row, selected);
    double divisor = 1;
    Gate.Normalise normalise = gate.normalise();
    if (normalise != null && !normalise.afterDrop()) {
      divisor = normalise.epsilon();
      for (double weight : raw) {
        divisor += weight;
      }
    }
    List<Double> gates = new ArrayList<>();
    for (int e : weighed) {
      gates.add(gate.scale() * (raw[selected.indexOf(e)] / divisor));
    }
    return gates;
  }

  /** Rule R5 after a drop: {@code scale * of / sum} over those that stay, 0 for the others. */
  static List<Double> weighStaying(Gate gate, Draft row, List<Integer> selected) {
    double[] raw = raw(gate, row, selected);
    Gate.Normalise normalise = gate.normalise();
    boolean divides = normalise != null && normalise.afterDrop();
    double divisor = divides ? normalise.epsilon() : 1;
    for (int i = 0; i < row.taken.size(); i++) {
      divisor += divides && !row.dropped[i] ? raw[selected.indexOf(row.taken.get(i))] : 0;
    }
    List<Double> gates = new ArrayList<>();
    for (int i = 0; i < row.taken.size(); i++) {
      double weight =
          divides
              ? gate.scale() * (raw[selected.indexOf(row.taken.get(i))] / divisor)
              : row.weights.get(i);
      gates.add(row.dropped[i] ? 0 : weight);
    }
    return gates;
  }

  /** Rule R5 of a prefix: every member has the weight of the choice of their number. */
  static List<Double> weighPrefix(Gate gate, Draft row, int count) {
    double weight = gate.scale() * raw(gate, row, List.of(count))[0];
    List<Double> gates = new ArrayList<>();
    for (int e = 0; e < count; e++) {
      gates.add(weight);
    }
    return gates;
  }

  /** Returns the number that each weight starts from. */
  private static double[] raw(Gate gate, Draft row, List<Integer> selected) {
    Gate.Of of = gate.of();
    double jitter = gate.jitter() == null ? 0 : gate.jitter();
    double[] raw = new double[selected.size()];
    for (int i = 0; i < raw.length; i++) {
      int e = selected.get(i);
      raw[i] =
          switch (of) {
            case SCORE -> row.scores[e];
            case SOFTMAX_OF_SELECTED -> row.logits[e];
            case SIGMOID_OF_SELECTED -> Arithmetic.sigmoid(row.logits[e]);
            case SOFTMAX_OF_NEAR -> near(row.logits, e, selected.subList(0, i), jitter);
            case ONE -> 1;
          };
    }
    return of == Gate.Of.SOFTMAX_OF_SELECTED ? Arithmetic.softmax(raw) : raw;
  }

  /** Returns the softmax of a logit over those near it, without those of better choices. */
  private static double near(double[] z, int selected, List<Integer> better, double jitter) {
    double sum = 0;
    for (int e = 0; e < z.length; e++) {
      double distance = (z[selected] - z[e]) / Math.max(Math.abs(z[e]), z[selected]);
      if (!better.contains(e) && !(distance > 2 * jitter)) {
        sum += Math.exp(z[e] - z[selected]);
      }
    }
    return 1 / sum;
  }
}
