package anabranch.samples.alarm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PercentileTest {
  @Test
  void itIsTheValueOfTheNearestRank() {
    double[] thousand = IntStream.rangeClosed(1, 1000).mapToDouble(i -> 1001 - i).toArray();
    assertEquals(990, Percentile.of(thousand, 99));
    assertEquals(1000, Percentile.of(thousand, 100));
    assertEquals(10, Percentile.of(thousand, 1));
    double[] hundredOne = IntStream.rangeClosed(1, 101).mapToDouble(i -> i).toArray();
    assertEquals(100, Percentile.of(hundredOne, 99));
  }

  @Test
  void ofOneValueItIsThatValue() {
    assertEquals(2.5, Percentile.of(new double[] {2.5}, 99));
  }

  @Test
  void theValuesStayAsTheyAre() {
    double[] values = {3, 1, 2};
    Percentile.of(values, 50);
    assertArrayEquals(new double[] {3, 1, 2}, values);
  }

  @Test
  void nothingAndWrongPercentsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Percentile.of(new double[0], 99));
    assertThrows(IllegalArgumentException.class, () -> Percentile.of(new double[] {1}, 0));
    assertThrows(IllegalArgumentException.class, () -> Percentile.of(new double[] {1}, 101));
  }
}
