package anabranch.samples.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GlyphTest {
  @Test
  void oneCharacterIsOneGlyphHoweverManyBytesItHas() {
    List<Glyph> glyphs = Glyph.of(utf8("aé€😀"));
    assertEquals(List.of("a", "é", "€", "😀"), glyphs.stream().map(Glyph::shown).toList());
    assertEquals(List.of(1, 3, 6, 10), glyphs.stream().map(Glyph::to).toList());
    assertEquals(List.of(1, 1, 1, 2), glyphs.stream().map(Glyph::columns).toList());
  }

  @Test
  void whatSteersATerminalHidesOrJoinsIsEscaped() {
    assertEquals(
        List.of("\\x1b", "[", "\\t", "\\n", "\\r", "\\x00", "\\x7f", "\\u{9b}", "\\u{202e}"),
        shown(utf8("\u001b[\t\n\r\0\u007f\u009b\u202e")));
    assertEquals(
        List.of("e", "\\u{301}", "\\u{200d}", "\\u{a0}", "\\u{feff}"),
        shown(utf8("e\u0301\u200d\u00a0\ufeff")));
  }

  @Test
  void bytesThatAreNoUtf8HaveOneGlyphEach() {
    byte[] cut = {(byte) 0xe2, (byte) 0x82};
    byte[] overlong = {(byte) 0xc0, (byte) 0xaf};
    byte[] surrogate = {(byte) 0xed, (byte) 0xa0, (byte) 0x80};
    assertEquals(List.of("\\xe2", "\\x82"), shown(cut));
    assertEquals(List.of("\\xc0", "\\xaf"), shown(overlong));
    assertEquals(List.of("\\xed", "\\xa0", "\\x80"), shown(surrogate));
  }

  @Test
  void glyphsCoverAnyBytesInOrderAndAreHarmless() {
    Random random = new Random(5);
    for (int round = 0; round < 2_000; round++) {
      byte[] bytes = new byte[random.nextInt(12)];
      random.nextBytes(bytes);
      int at = 0;
      for (Glyph glyph : Glyph.of(bytes)) {
        assertEquals(at, glyph.from());
        at = glyph.to();
        assertTrue(glyph.shown().codePoints().noneMatch(Character::isISOControl), glyph.shown());
        if (glyph.literal()) {
          byte[] own = java.util.Arrays.copyOfRange(bytes, glyph.from(), glyph.to());
          assertEquals(new String(own, StandardCharsets.UTF_8), glyph.shown());
          assertEquals(Glyph.of(glyph.shown().getBytes(StandardCharsets.UTF_8)).size(), 1);
        }
      }
      assertEquals(bytes.length, at);
    }
  }

  @Test
  void aLineShownForAReaderHoldsNoControlCharacter() {
    Line line = new Line("a", 1, utf8("red \u001b[31m\u0007 \u202etxt\tend\n"));
    assertEquals("red \\x1b[31m\\x07 \\u{202e}txt end", line.shown(96));
    assertEquals("red \\x1b[3…", line.shown(11));
    assertFalse(new Line("a", 1, new byte[64]).shown(20).contains("\0"));
  }

  private static List<String> shown(byte[] bytes) {
    return Glyph.of(bytes).stream().map(Glyph::shown).toList();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
