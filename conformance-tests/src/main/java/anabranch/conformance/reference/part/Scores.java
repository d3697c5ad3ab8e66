package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.dot;
import static anabranch.conformance.reference.part.Arithmetic.sigmoid;
import static anabranch.conformance.reference.part.Arithmetic.softmax;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** The numbers that decisions between blocks look at. Stateless. */
public final class Scores {
  private Scores() {}

  /** Rule X1: the largest probability; NaN if a logit is. */
  public static double confidence(double[] logits) {
    double most = Double.NEGATIVE_INFINITY;
    for (double p : softmax(logits)) {
      if (Double.isNaN(p)) {
        return Double.NaN;
      }
      most = Math.max(most, p);
    }
    return most;
  }

  /** Rule X2: the largest probability less the second largest, or less 0 if it is alone. */
  public static double margin(double[] logits) {
    double first = Double.NEGATIVE_INFINITY;
    double second = 0;
    for (double p : softmax(logits)) {
      if (Double.isNaN(p)) {
        return Double.NaN;
      }
      if (p > first) {
        second = Math.max(first, 0);
        first = p;
      } else {
        second = Math.max(second, p);
      }
    }
    return first - second;
  }

  /** Rule X3: the entropy in nats, with 0 * log 0 = 0. */
  public static double entropy(double[] logits) {
    double entropy = 0;
    for (double p : softmax(logits)) {
      entropy -= p == 0 ? 0 : p * Math.log(p);
    }
    return entropy;
  }

  /**
   * Rule X4: how many times in a row a label has come.
   *
   * @param before the count at the exit before; -1 for none
   * @param previous the label there
   * @param label the label here
   */
  public static int patience(int before, int previous, int label) {
    return before >= 0 && previous == label ? before + 1 : 0;
  }

  /** Rule X5: {@code sigmoid(w . h + b)} of the raw vector that leaves. */
  public static double learned(double[] weight, double bias, double[] h) {
    return sigmoid(dot(weight, h) + bias);
  }

  /** Rule X6: the cosine of two vectors; 0 where one of them is zero. */
  public static double saturation(double[] before, double[] after) {
    double norms = Math.sqrt(dot(before, before)) * Math.sqrt(dot(after, after));
    return norms == 0 ? 0 : dot(before, after) / norms;
  }

  /**
   * Rule X9: which rows stay at a prune: the protected ones, and of the others those with the best
   * scores, ties to the earlier one, NaN last.
   *
   * @param share of the rows that stay, in (0, 1]
   * @param rows positions, ascending
   * @param scores beside the positions
   * @param kept positions that always stay
   * @return positions, ascending
   */
  public static List<Integer> pruned(
      double share, List<Integer> rows, double[] scores, List<Integer> kept) {
    int keep = (int) Math.max(1, Math.ceil(share * rows.size()));
    TreeSet<Integer> stay = new TreeSet<>(rows);
    stay.retainAll(kept);
    while (stay.size() < keep) {
      int best = -1;
      for (int i = 0; i < rows.size(); i++) {
        if (!stay.contains(rows.get(i))
            && (best < 0
                || scores[i] > scores[best]
                || Double.isNaN(scores[best]) && !Double.isNaN(scores[i]))) {
          best = i;
        }
      }
      stay.add(rows.get(best));
    }
    return new ArrayList<>(stay);
  }
}
