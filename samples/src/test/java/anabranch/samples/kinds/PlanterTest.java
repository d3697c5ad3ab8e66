package anabranch.samples.kinds;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlanterTest {
  private static final byte[] LINE = bytes("    this.order = Objects.requireNonNull(order);\r\n");

  private final Planter planter = new Planter(1);

  @ParameterizedTest
  @EnumSource
  void indentationAndTheEndOfTheLineStay(Oddity oddity) {
    for (int i = 0; i < 200; i++) {
      byte[] odd = planter.plant(oddity, "java", LINE);
      String text = new String(odd, StandardCharsets.ISO_8859_1);
      assertTrue(text.startsWith("    ") && text.endsWith("\r\n"), text);
      assertEquals(text.length() - 1, text.indexOf('\n'), text);
      assertFalse(Arrays.equals(LINE, odd), text);
    }
  }

  @ParameterizedTest
  @EnumSource
  void equalSeedsMakeEqualLines(Oddity oddity) {
    assertArrayEquals(
        new Planter(9).plant(oddity, "log", LINE), new Planter(9).plant(oddity, "log", LINE));
  }

  @Test
  void oneLetterIsOneLetter() {
    for (int i = 0; i < 200; i++) {
      byte[] odd = planter.plant(Oddity.LETTER, "java", LINE);
      assertEquals(LINE.length, odd.length);
      int changed = 0;
      for (int at = 0; at < odd.length; at++) {
        if (odd[at] != LINE[at]) {
          changed++;
          assertTrue(Character.isLetter(odd[at]) && Character.isLetter(LINE[at]));
          assertEquals(Character.isUpperCase(LINE[at]), Character.isUpperCase(odd[at]));
        }
      }
      assertEquals(1, changed);
    }
  }

  @Test
  void shufflingKeepsTheCharacters() {
    byte[] odd = planter.plant(Oddity.SHUFFLED, "java", LINE);
    byte[] sorted = LINE.clone();
    Arrays.sort(sorted);
    Arrays.sort(odd);
    assertArrayEquals(sorted, odd);
  }

  @Test
  void aSecretStandsInTheWordsOfItsKind() {
    String xml = new String(planter.plant(Oddity.SECRET, "xml", LINE), StandardCharsets.UTF_8);
    assertTrue(xml.matches("    <property name=\"\\w+\" value=\"[\\w+/=]{32,}\"/>\r\n"), xml);
  }

  @Test
  void corruptionIsOfThreeSorts() {
    Set<String> sorts = new TreeSet<>();
    for (int i = 0; i < 200; i++) {
      byte[] odd = planter.plant(Oddity.CORRUPT, "java", LINE);
      String text = new String(odd, StandardCharsets.UTF_8);
      boolean ascii = text.chars().allMatch(c -> c < 128);
      sorts.add(text.contains("\ufffd") ? "bytes" : ascii ? "attack" : "twice encoded");
    }
    assertEquals(Set.of("bytes", "attack", "twice encoded"), sorts);
  }

  @Test
  void shortLinesAndLinesWithoutLettersDoNotFit() {
    assertTrue(Planter.fits(LINE));
    assertFalse(Planter.fits(bytes("      return sum;                      \n")));
    assertFalse(Planter.fits(bytes("--------------------------------\n")));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
