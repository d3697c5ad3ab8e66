package anabranch.samples.picture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnsiTest {
  private static final List<Integer> AFTER = List.of(2, 4, 6);

  @Test
  void eachCharacterStandsAboveItsDepth() {
    ByteLine line =
        new ByteLine(
            "a",
            1,
            Sketches.utf8("a€\tb"),
            new float[] {0.1f, 1.5f, 1, 0.5f, 12, 4},
            new byte[] {0, 1, 0, 1, 2, 0});
    String drawn = Ansi.of(line, AFTER, 40, StandardCharsets.UTF_8);
    assertEquals("  a€\\tb\n  246 2\n", plain(drawn));
    assertTrue(
        drawn.contains("\u001b[48;5;203;38;5;16m€\u001b[0m"), "its bytes need 3 bits together");
    assertTrue(drawn.contains("\u001b[48;5;88;38;5;231m\\t\u001b[0m"), "11 bits and more");
  }

  @Test
  void noControlCharacterOfTheTextReachesTheTerminal() {
    for (byte[] hostile : Sketches.HOSTILE) {
      String drawn = Ansi.of(Sketches.line("a", 1, hostile), AFTER, 96, StandardCharsets.UTF_8);
      assertTrue(
          plain(drawn).codePoints().noneMatch(c -> Character.isISOControl(c) && c != '\n'), drawn);
      assertTrue(plain(drawn).codePoints().noneMatch(c -> c >= 0x2028 && c <= 0x202e), drawn);
    }
  }

  @Test
  void aTerminalWithoutACharacterGetsItsEscape() {
    ByteLine line = Sketches.line("a", 1, Sketches.utf8("é€x"));
    String drawn = plain(Ansi.of(line, AFTER, 40, StandardCharsets.US_ASCII));
    assertTrue(drawn.startsWith("  \\u{e9}\\u{20ac}x\n"), drawn);
    assertEquals(
        "  é\\u{20ac}x",
        plain(Ansi.of(line, AFTER, 40, StandardCharsets.ISO_8859_1)).split("\n")[0]);
  }

  @Test
  void longLinesAreFoldedAndThenCut() {
    String drawn =
        plain(
            Ansi.of(
                Sketches.line("a", 1, Sketches.utf8("x".repeat(100))),
                AFTER,
                20,
                StandardCharsets.UTF_8));
    List<String> rows = drawn.lines().toList();
    assertEquals(9, rows.size());
    assertEquals("  " + "x".repeat(20), rows.get(6));
    assertTrue(rows.get(7).matches("  [246]{20}"), rows.get(7));
    assertEquals("  (20 more bytes)", rows.get(8));
  }

  @Test
  void theLegendNamesEachStepAndDepth() {
    assertEquals(
        "bits of a character  0  0.5  1  2  3  4  6  8  11   blocks it ran 2 4 6",
        plain(Ansi.legend(AFTER)).strip());
  }

  private static String plain(String drawn) {
    return drawn.replaceAll("\u001b\\[[0-9;]*m", "");
  }
}
