package anabranch.samples.alarm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class LevelsTest {
  private final Levels levels = new Levels();

  @Test
  void theFirstThousandLinesOfAKindFixItsLevelAndAreNeverFlagged() {
    for (int i = 1; i <= 1000; i++) {
      assertEquals(Verdict.BEFORE_LEVEL, levels.judge("java", i == 500 ? 9_999 : i));
    }
    assertEquals(Verdict.USUAL, levels.judge("java", 991));
    assertEquals(Verdict.ODD, levels.judge("java", 992));
    assertEquals(
        List.of(new KindLevel("java", OptionalDouble.of(991), 0, 1000, 2, 1)), levels.byKind());
  }

  @Test
  void aFixedLevelNeverMoves() {
    judge("java", 1000, 1);
    judge("java", 5000, 7);
    assertEquals(OptionalDouble.of(1), levels.byKind().get(0).level());
    assertEquals(5000, levels.byKind().get(0).flagged());
  }

  @Test
  void kindsHaveLevelsOfTheirOwn() {
    judge("java", 1000, 1);
    judge("log", 1000, 5);
    assertEquals(Verdict.ODD, levels.judge("java", 3));
    assertEquals(Verdict.USUAL, levels.judge("log", 3));
    assertEquals(Verdict.BEFORE_LEVEL, levels.judge("md", 3));
  }

  @Test
  void aKindThatNeverReachedAThousandLinesHasNoLevel() {
    judge("md", 999, 1);
    KindLevel md = levels.byKind().get(0);
    assertTrue(md.level().isEmpty());
    assertEquals(999, md.inputLines());
    assertEquals(0, md.judged());
    String table = LevelTable.of(levels.byKind());
    assertTrue(
        table.contains("nothing flagged: the first 999 of the input, 1,000 are needed"), table);
  }

  @Test
  void normalLinesFixTheLevelBeforeTheFirstLineOfTheInput() {
    addNormal("log", 200, 2);
    assertEquals(Verdict.USUAL, levels.judge("log", 2));
    assertEquals(Verdict.ODD, levels.judge("log", 2.1));
    KindLevel log = levels.byKind().get(0);
    assertEquals(new KindLevel("log", OptionalDouble.of(2), 200, 0, 2, 1), log);
    String table = LevelTable.of(List.of(log));
    assertTrue(
        table.contains("level 2.00 from 200 given as normal; 2 judged, 1 flagged (50.0 %)"), table);
  }

  @Test
  void aKindThatTheNormalLinesLackIsLeftToTheInput() {
    addNormal("log", 200, 2);
    judge("java", 1000, 1);
    assertEquals(Verdict.ODD, levels.judge("java", 2));
  }

  @Test
  void tooFewNormalLinesAreFilledUpFromTheInput() {
    addNormal("log", 99, 2);
    judge("log", 901, 1);
    assertEquals(Verdict.USUAL, levels.judge("log", 2));
    KindLevel log = levels.byKind().get(0);
    assertEquals(new KindLevel("log", OptionalDouble.of(2), 99, 901, 1, 0), log);
    String table = LevelTable.of(List.of(log));
    assertTrue(table.contains("99 given as normal and the first 901 of the input"), table);
  }

  @Test
  void normalLinesAreNeverFlagged() {
    addNormal("log", 99, 1);
    addNormal("log", 50, 99);
    judge("log", 1, 1);
    assertEquals(0, levels.byKind().get(0).flagged());
    assertEquals(149, levels.byKind().get(0).normalLines());
  }

  @Test
  void aNormalLineBehindTheFirstJudgedOneIsRefused() {
    levels.judge("log", 1);
    assertThrows(IllegalStateException.class, () -> levels.addNormal("log", 1));
  }

  @Test
  void noMoreThanABoundedNumberOfLinesAndKindsIsKept() {
    addNormal("log", Levels.MOST_NORMAL, 1);
    addNormal("log", 500, 9);
    assertEquals(Verdict.ODD, levels.judge("log", 2));
    assertEquals(Levels.MOST_NORMAL, levels.byKind().get(0).normalLines());
    for (int i = 0; i < 1000; i++) {
      levels.judge("ending" + i, 1);
    }
    List<KindLevel> kinds = levels.byKind();
    assertEquals(Levels.MOST_KINDS, kinds.size());
    KindLevel others = kinds.get(Levels.MOST_KINDS - 1);
    assertEquals(Levels.OTHERS, others.kind());
    assertEquals(1000 - (Levels.MOST_KINDS - 2), others.inputLines());
  }

  @Test
  void bitsOfAShortLineCountLess() {
    assertEquals(2, Oddness.of(80, 16));
    assertTrue(Oddness.of(10, 2) < Oddness.of(200, 40));
  }

  private void judge(String kind, int lines, double oddness) {
    for (int i = 0; i < lines; i++) {
      levels.judge(kind, oddness);
    }
  }

  private void addNormal(String kind, int lines, double oddness) {
    for (int i = 0; i < lines; i++) {
      levels.addNormal(kind, oddness);
    }
  }
}
