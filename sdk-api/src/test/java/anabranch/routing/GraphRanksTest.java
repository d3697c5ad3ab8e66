package anabranch.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.model.plan.GraphRank;
import anabranch.model.plan.GraphRank.Direction;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

/** Rules X19 and X20. */
class GraphRanksTest {
  /** Row 0 reads row 1, row 1 reads both alike. */
  private static final float[] TWO = {0, 1, 0.5f, 0.5f};

  @Test
  void importanceFlowsToWhatIsRead() {
    assertArrayEquals(new double[] {0.25, 0.75}, ranks(how(Direction.TO_READ, 1, 0), 1, TWO));
    assertArrayEquals(new double[] {0.375, 0.625}, ranks(how(Direction.TO_READ, 2, 0), 1, TWO));
    double[] far = ranks(how(Direction.TO_READ, 1024, 0), 1, TWO);
    assertArrayEquals(new double[] {1 / 3.0, 2 / 3.0}, far, 1e-15, "where it no longer moves");
  }

  @Test
  void importanceFlowsToReaders() {
    float[] missing = {0, 0.5f, 0.5f, 0.5f};
    assertArrayEquals(new double[] {0.25, 0.5}, ranks(how(Direction.TO_READERS, 1, 0), 1, missing));
    assertArrayEquals(
        new double[] {0.25, 0.375}, ranks(how(Direction.TO_READERS, 2, 0), 1, missing));
  }

  /** It moves by 1/4, then by 1/8. */
  @Test
  void itStopsOnceNoRowMovedByMoreThanEpsilon() {
    double[] once = ranks(how(Direction.TO_READ, 9, 0.25), 1, TWO);
    assertArrayEquals(new double[] {0.25, 0.75}, once);
    double[] twice = ranks(how(Direction.TO_READ, 9, 0.2), 1, TWO);
    assertArrayEquals(new double[] {0.375, 0.625}, twice);
  }

  @Test
  void aHubIsFirstAndEqualRowsAreEqualToTheBit() {
    float[] star = {0.6f, 0.2f, 0.2f, 0.9f, 0.05f, 0.05f, 0.9f, 0.05f, 0.05f};
    double[] ranks = ranks(how(Direction.TO_READ, 30, 0), 1, star);
    assertTrue(ranks[0] > ranks[1], "the hub");
    assertEquals(ranks[1], ranks[2]);
    float third = 1 / 3f;
    double[] uniform =
        ranks(
            how(Direction.TO_READ, 30, 0),
            1,
            third,
            third,
            third,
            third,
            third,
            third,
            third,
            third,
            third);
    assertEquals(uniform[0], uniform[1]);
    assertEquals(uniform[1], uniform[2]);
  }

  /** Heads end at (1/4, 3/4) and (1, 0), with variances 1/16 and 1/4. */
  @Test
  void headsAreTheRootOfTheMeanOfSquaresOfThoseWithinBounds() {
    float[] both = {0, 1, 0.5f, 0.5f, 1, 0, 1, 0};
    double[] all = ranks(how(Direction.TO_READ, 1, 0), 2, both);
    assertEquals(Math.sqrt((1 / 16.0 + 1) / 2), all[0], 1e-15);
    assertEquals(Math.sqrt(9 / 16.0 / 2), all[1], 1e-15);
    assertArrayEquals(new double[] {0.25, 0.75}, ranks(within(0, 0.0625), 2, both));
    assertArrayEquals(new double[] {1, 0}, ranks(within(0.25, 1), 2, both));
    assertArrayEquals(new double[] {0, 0}, ranks(within(0.5, 1), 2, both), "no head is left");
  }

  @Test
  void rowsThatDoNotAskPassNothingOn() {
    // A third column belongs to a row that is read and does not ask.
    FloatBuffer p = FloatBuffer.wrap(new float[] {0.5f, 0.25f, 0.25f, 0, 0.5f, 0.5f});
    double[] ranks = GraphRanks.of(how(Direction.TO_READ, 1, 0), p, 1, 3, new int[] {0, 2});
    assertArrayEquals(new double[] {0.25, 0.375}, ranks);
  }

  @Test
  void theImportantHalfTakesTheOddRowAndTheEarlierOfEqualOnes() {
    assertHalf(new boolean[] {true, true, false}, 1, 1, 1);
    assertHalf(new boolean[] {false, true, true, false}, 1, 2, 2, 2);
    assertHalf(new boolean[] {true}, 0);
  }

  private static void assertHalf(boolean[] expected, double... importance) {
    boolean[] important = GraphRanks.important(importance);
    assertEquals(expected.length, important.length);
    for (int row = 0; row < expected.length; row++) {
      assertEquals(expected[row], important[row], "row " + row);
    }
  }

  private static GraphRank how(Direction direction, int iterations, double epsilon) {
    return new GraphRank(direction, iterations, epsilon, 0, 1);
  }

  private static GraphRank within(double least, double most) {
    return new GraphRank(Direction.TO_READ, 1, 0, least, most);
  }

  private static double[] ranks(GraphRank how, int heads, float... p) {
    int rows = (int) Math.sqrt(p.length / heads);
    int[] own = new int[rows];
    for (int row = 0; row < rows; row++) {
      own[row] = row;
    }
    return GraphRanks.of(how, FloatBuffer.wrap(p), heads, rows, own);
  }
}
