package anabranch.conformance.reference;

import static anabranch.conformance.reference.Arithmetic.plus;
import static anabranch.conformance.reference.Arithmetic.project;
import static anabranch.conformance.reference.Arithmetic.softmax;
import static anabranch.conformance.reference.Arithmetic.times;

import anabranch.model.Exit;
import anabranch.model.Head;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A head with its weights. */
final class HeadPart {
  final Head head;
  private final NormPart norm;
  private final double[][] weight;
  private final double @Nullable [] bias;

  HeadPart(Head head, String path, Parameters parameters) {
    this.head = head;
    norm = new NormPart(head.norm(), path + ".norm", parameters);
    weight = parameters.matrix(path + ".weight");
    bias = head.bias() ? parameters.vector(path + ".bias") : null;
  }

  /** Returns the vector that stands for an item, {@code [width]}, from those of its live rows. */
  double[] pool(List<double[]> live) {
    switch (head.pool()) {
      case FIRST:
        return live.get(0);
      case LAST:
        return live.get(live.size() - 1);
      case MEAN:
        double[] sum = new double[live.get(0).length];
        for (double[] row : live) {
          sum = plus(sum, row);
        }
        return times(1.0 / live.size(), sum);
      default:
        throw new AssertionError(head.pool() + " pools nothing");
    }
  }

  /** Returns the logits of a unit, {@code [outputs]}. */
  double[] logits(double[] x) {
    return project(weight, bias, norm.of(x));
  }

  /** Returns the score of a unit's logits. */
  static double score(Exit.Criterion.Score score, double[] logits) {
    double[] p = softmax(logits);
    double first = Double.NEGATIVE_INFINITY;
    double second = 0;
    double entropy = 0;
    for (double probability : p) {
      if (Double.isNaN(probability)) {
        return Double.NaN;
      }
      if (probability > first) {
        second = Math.max(first, 0);
        first = probability;
      } else {
        second = Math.max(second, probability);
      }
      entropy -= probability == 0 ? 0 : probability * Math.log(probability);
    }
    return switch (score) {
      case CONFIDENCE -> first;
      case MARGIN -> first - second;
      case ENTROPY -> entropy;
    };
  }
}
