package anabranch.onnx.member;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class CrossoverTest {
  @Test
  void manyExpertsWithFewRowsEachRunTogether() {
    assertTrue(Crossover.together(64, 55, 128));
    assertTrue(Crossover.together(64, 64, 512));
    assertTrue(Crossover.together(8, 8, 128));
    assertTrue(Crossover.together(8, 3, 12));
  }

  @Test
  void expertsOfWhichMostHaveNoRowRunOnTheirOwn() {
    assertFalse(Crossover.together(64, 8, 8));
    assertFalse(Crossover.together(64, 23, 23));
    assertFalse(Crossover.together(8, 2, 2));
    assertFalse(Crossover.together(8, 0, 0));
  }

  @Test
  void expertsWithManyRowsRunOnTheirOwn() {
    assertFalse(Crossover.together(64, 64, 64 * 16 + 1));
    assertFalse(Crossover.together(8, 3, 13));
    assertFalse(Crossover.together(8, 8, Integer.MAX_VALUE));
  }
}
