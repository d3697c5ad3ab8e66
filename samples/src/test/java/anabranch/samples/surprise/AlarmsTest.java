package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.samples.alarm.Levels;
import anabranch.samples.alarm.Verdict;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class AlarmsTest {
  private final Alarms alarms = new Alarms();

  @Test
  void normalLinesComeFirstAndTheOddestOfTheOthersAreKept() {
    for (int i = 0; i < Levels.LEAST_NORMAL; i++) {
      alarms.addNormal(line("usual.log", 20));
    }
    alarms.addNormal(line("usual.log", 999));
    assertEquals(Verdict.USUAL, alarms.judge(line("today.log", 20)));
    for (int i = 1; i <= 2 * Alarms.KEPT; i++) {
      assertEquals(Verdict.ODD, alarms.judge(line("today.log", 20 + i)));
    }
    List<Double> bits = alarms.flagged().stream().map(LineScore::bits).toList();
    assertEquals(Alarms.KEPT, bits.size());
    assertEquals(20.0 + 2 * Alarms.KEPT, bits.get(0));
    assertEquals(21.0 + Alarms.KEPT, bits.get(Alarms.KEPT - 1));
    assertEquals(2 * Alarms.KEPT, alarms.levels().byKind().get(0).flagged());
  }

  @Test
  void blankLinesFixNothingAndAreUsual() {
    for (int i = 0; i < 2 * Levels.LINES; i++) {
      alarms.addNormal(line("a.md", 0));
      assertEquals(Verdict.USUAL, alarms.judge(line("a.md", 0)));
    }
    assertEquals(List.of(), alarms.levels().byKind());
  }

  @Test
  void theReportShowsKindsWithoutALevelAndNoFlaggedLines() {
    alarms.judge(line("README", 7));
    alarms.judge(line("-", 7));
    String report = alarms.report(5);
    assertTrue(report.contains("no ending    no level, nothing flagged"), report);
    assertTrue(report.contains("-            no level, nothing flagged"), report);
    assertFalse(report.contains("the oddest flagged"), report);
  }

  @Test
  void theReportShowsAsManyFlaggedLinesAsAreWanted() {
    for (int i = 0; i < Levels.LINES; i++) {
      alarms.judge(line("a.log", 20));
    }
    for (int i = 1; i < 10; i++) {
      alarms.judge(line("a.log", 50 + i));
    }
    String report = alarms.report(3);
    assertTrue(report.contains("9 judged, 9 flagged (100.0 %)"), report);
    assertEquals(3, report.lines().filter(row -> row.contains("a.log:1  ten bytes")).count());
  }

  /** Returns the score of a line of ten bytes, blank if it has no bits. */
  private static LineScore line(String source, double bits) {
    byte[] text = "ten bytes\n".getBytes(StandardCharsets.UTF_8);
    int bytes = bits == 0 ? 0 : text.length;
    float[] byteBits = new float[bytes];
    Arrays.fill(byteBits, (float) bits / text.length);
    return new LineScore(
        source,
        1,
        text,
        "cpu",
        bytes,
        bits,
        byteBits,
        new byte[bytes],
        new int[3],
        0,
        new int[0],
        0,
        0,
        0,
        0,
        0,
        0,
        0);
  }
}
