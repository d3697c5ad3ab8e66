package anabranch.conformance.reference.part;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Scores computed by hand. */
class ScoresTest {
  private static final double[] Z = {3, 1, 0.2, -1};

  @Test
  void scoresOfLogitsAreThoseOfTheSpecification() {
    assertEquals(0.823410560, Scores.confidence(Z), 1e-9);
    assertEquals(0.711974059, Scores.margin(Z), 1e-9);
    assertEquals(0.711974059, Scores.margin(new double[] {-1, 0.2, 1, 3}), 1e-9);
    assertEquals(0.617699123, Scores.entropy(Z), 1e-9);
    assertEquals(0, Scores.entropy(new double[] {0, 5000}), "0 * log 0 is 0");
    assertEquals(0, Scores.margin(new double[] {7, 1, 7}), 1e-12);
    assertEquals(1, Scores.margin(new double[] {7}), 1e-12);
  }

  @Test
  void logitsThatAreNoNumbersGiveNoScore() {
    double[] bad = {7, Double.NaN};
    assertEquals(Double.NaN, Scores.confidence(bad));
    assertEquals(Double.NaN, Scores.margin(bad));
    assertEquals(Double.NaN, Scores.entropy(bad));
  }

  @Test
  void saturationIsTheCosine() {
    double[] before = {1, 2, 3};
    assertEquals(0.996023841, Scores.saturation(before, new double[] {1, 2, 2.5}), 1e-9);
    assertEquals(0, Scores.saturation(before, new double[3]));
    assertEquals(0, Scores.saturation(new double[3], before));
  }

  @Test
  void learnedScoresAreSigmoids() {
    assertEquals(
        1 / (1 + Math.exp(-4)), Scores.learned(new double[] {1, 2}, -3, new double[] {3, 2}));
  }

  @Test
  void patienceCountsEqualLabelsFromZero() {
    int[] labels = {5, 5, 5, 2, 2};
    int[] expected = {0, 1, 2, 0, 1};
    int equal = -1;
    int before = -1;
    for (int i = 0; i < labels.length; i++) {
      equal = Scores.patience(equal, before, labels[i]);
      before = labels[i];
      assertEquals(expected[i], equal, "label " + i);
    }
  }

  /** Five rows, half of them: 3 stay. */
  @Test
  void prunesKeepTheBestRowsInTheirOrder() {
    List<Integer> rows = List.of(2, 3, 5, 7, 8);
    double[] scores = {0.1, 0.9, 0.5, 0.5, 0.2};
    assertEquals(List.of(3, 5, 7), Scores.pruned(0.5, rows, scores, List.of()));
    assertEquals(List.of(2, 3, 5), Scores.pruned(0.5, rows, scores, List.of(2, 4)));
    assertEquals(List.of(2, 7, 8), Scores.pruned(0.2, rows, scores, List.of(8, 2, 7)));
    assertEquals(List.of(3), Scores.pruned(1e-9, rows, scores, List.of()));
    assertEquals(rows, Scores.pruned(1, rows, scores, List.of()));
  }

  @Test
  void rowsWithoutAScoreGoFirst() {
    double[] scores = {Double.NaN, 0, Double.NaN, -1};
    List<Integer> rows = List.of(0, 1, 2, 3);
    assertEquals(List.of(1, 3), Scores.pruned(0.5, rows, scores, List.of()));
    assertEquals(List.of(0, 1, 3), Scores.pruned(0.75, rows, scores, List.of()));
  }
}
