package anabranch.checkpoint.formula;

import static anabranch.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.error.DescriptionException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FormulaTest {
  private static final Names NAMES =
      new Names() {
        private final Map<String, Object> values =
            Map.of(
                "width",
                32L,
                "heads",
                4L,
                "half",
                0.5,
                "layers",
                List.of("a", "b"),
                "word",
                "gelu",
                "rope",
                Map.of("factor", 8L),
                "yes",
                true);

        @Override
        public boolean has(String name) {
          return values.containsKey(name) || name.equals("none");
        }

        @Override
        public @Nullable Object value(String name) {
          if (!has(name)) {
            throw new DescriptionException("field \"" + name + "\" is missing");
          }
          return values.get(name);
        }

        @Override
        public boolean stored(String tensor) {
          return tensor.equals("w");
        }
      };

  @Test
  void wholeNumbersStayWhole() {
    value(8L, "width / heads");
    value(6.4, "width / 5");
    value(6L, "width // 5");
    value(2L, "width % 5");
    value(16.0, "width * half");
    value(16L, "width * half // 1");
    value(-29L, "1 + 2 - width");
    value(14L, "2 + 3 * heads");
    value(20L, "(2 + 3) * heads");
  }

  @Test
  void whatIsNullOrMissingFallsBack() {
    value(32L, "absent ?? width");
    value(32L, "none ?? width");
    value(8L, "none ?? width / heads");
    value(8L, "rope.factor ?? 1");
    value(1L, "rope.other ?? 1");
    value(1L, "absent.other ?? 1");
    value(null, "absent ?? null");
    assertRefused("field \"absent\" is missing", () -> of("absent + 1"));
    assertRefused("field \"rope.other\" is missing", () -> of("rope.other"));
  }

  @Test
  void conditionsCompareAndCombine() {
    value(true, "heads == 4.0 and word == 'gelu'");
    value(false, "heads != 4 or not yes");
    value(true, "'b' in layers and not ('c' in layers)");
    value("small", "'big' if heads > 4 else 'small'");
    value(true, "heads >= 4 and heads <= 4 and not (heads < 4)");
    value(true, "word in ['relu', 'gelu']");
    value(false, "yes and heads == 5");
  }

  @Test
  void elementsTextsAndFunctions() {
    value("b", "layers[heads - 3]");
    value("exit3", "'exit' + (1 + 2)");
    value(2L, "len(layers)");
    value(4L, "min(width, heads)");
    value(32L, "max(width, heads)");
    value(2.0, "sqrt(heads)");
    value(0.0, "ln(1)");
    value(1L, "index(layers, 'b')");
    value(true, "stored('w') and not stored('v')");
    value(List.of(1L, 2L), "[1, 2]");
  }

  @Test
  void valuesOfTheWrongKindAreNamed() {
    assertRefused("in \"word / 2\" the value \"gelu\" is not a number", () -> of("word / 2"));
    assertRefused(
        "in \"layers[2]\" the value [\"a\",\"b\"] is not a list that has an element 2",
        () -> of("layers[2]"));
    assertRefused(
        "in \"width / 0\" the value 0 is not a number to divide by", () -> of("width / 0"));
    assertRefused(
        "in \"heads and yes\" the value 4 is not true or false", () -> of("heads and yes"));
    assertRefused(
        "in \"9223372036854775807 + heads\" the value \"9223372036854775807 + 4\" is not a number"
            + " of 64 bits",
        () -> of("9223372036854775807 + heads"));
  }

  @Test
  void whatIsNoFormulaIsAFaultOfTheLibrary() {
    for (String text :
        new String[] {
          "",
          "1 +",
          "(1",
          "a b",
          "'x",
          "f(1)",
          "min(1)",
          "a[1",
          "1..2",
          "a ? b",
          "if a",
          "(".repeat(60) + "1" + ")".repeat(60),
          "1 + ".repeat(300) + "1"
        }) {
      assertThrows(IllegalArgumentException.class, () -> Formula.parse(text), text);
    }
  }

  @Test
  void theFieldsOfAFormulaAreKnownWithoutItsValue() {
    Set<String> names = new TreeSet<>();
    Formula.parse("a.b ?? c[d] if min(e, 2) in [f, 'g'] else -h").names(names);
    assertEquals(new TreeSet<>(Arrays.asList("a.b", "c", "d", "e", "f", "h")), names);
  }

  private static void value(@Nullable Object expected, String text) {
    assertEquals(expected, of(text), text);
  }

  private static @Nullable Object of(String text) {
    return Formula.parse(text).in(NAMES);
  }
}
