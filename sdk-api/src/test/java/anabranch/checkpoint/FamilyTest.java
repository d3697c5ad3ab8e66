package anabranch.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the files of the families must keep so that nothing is lost silently. */
class FamilyTest {
  private static final Pattern SLICED = Pattern.compile("([^\\[\\]@+ ]+)\\[");

  @Test
  void everyTensorOfWhichSlicesAreTakenHasItsShapeSaid() {
    List<String> unsaid = new ArrayList<>();
    int[] sliced = {0};
    for (String name : Family.all()) {
      Family family = Family.of(name);
      for (String text : texts(family)) {
        for (Matcher matcher = SLICED.matcher(text); matcher.find(); sliced[0]++) {
          if (!text.startsWith("@") && !family.shapes().containsKey(matcher.group(1))) {
            unsaid.add(name + ": " + matcher.group(1));
          }
        }
      }
    }
    assertEquals(List.of(), unsaid);
    assertTrue(sliced[0] > 20, sliced[0] + " slices");
  }

  @Test
  void noFieldThatAFormulaReadsIsHarmless() {
    List<String> both = new ArrayList<>();
    for (String name : Family.all()) {
      Family family = Family.of(name);
      family
          .harmless()
          .forEach(
              (field, when) -> {
                if (Boolean.TRUE.equals(when) && reads(family, field)) {
                  both.add(name + ": " + field);
                }
              });
    }
    assertEquals(List.of(), both);
  }

  @Test
  void noTwoFamiliesKnowTheSameModelWithoutACondition() {
    Set<String> types = new HashSet<>();
    for (String name : Family.all()) {
      Family family = Family.of(name);
      for (String type : family.modelTypes()) {
        assertTrue(family.when() != null || types.add(type), type);
      }
    }
  }

  @Test
  void everySettingHasAtLeastTwoValues() {
    Set<String> settings = new TreeSet<>();
    for (String name : Family.all()) {
      Family family = Family.of(name);
      family.settings().keySet().forEach(setting -> settings.add(name + "." + setting));
      family.settings().keySet().forEach(each -> assertTrue(family.values(each).size() > 1, each));
    }
    assertEquals(
        Set.of("llama.exits", "nllb_moe.capacity", "switch_transformers.capacity"), settings);
  }

  /** Labels are read for their number alone. */
  private static boolean reads(Family family, String field) {
    return family.fields().contains(field)
        && !(field.equals("id2label") || family.must().containsKey(field));
  }

  private static List<String> texts(Family family) {
    List<String> texts = new ArrayList<>();
    family.tensors().values().forEach(made -> collect(made, texts));
    return texts;
  }

  private static void collect(@Nullable Object made, List<String> into) {
    if (made instanceof Map<?, ?> choice) {
      collect(choice.get("then"), into);
      collect(choice.get("else"), into);
    } else if (made instanceof String text) {
      into.add(text);
    }
  }
}
