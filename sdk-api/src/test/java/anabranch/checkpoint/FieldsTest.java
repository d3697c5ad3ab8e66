package anabranch.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.DescriptionException;
import anabranch.error.WeightsException;
import anabranch.model.ModelSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every field of every configuration means something, or is listed as one that does not. */
class FieldsTest {
  @TempDir Path folder;

  static List<String> families() {
    List<String> families = new ArrayList<>(Family.all());
    // There is no sample of plain BERT; the two kinds with exits share its file.
    families.remove("bert");
    return families;
  }

  @ParameterizedTest
  @MethodSource("families")
  void samplesAreOfTheirFamilyAndFitTheirWeights(String family) {
    try (Checkpoint checkpoint = Checkpoint.open(Sample.of(family).in(folder))) {
      assertEquals(family, checkpoint.family());
      checkpoint.weights().requireFit(checkpoint.spec());
      assertEquals(checkpoint.spec().parameters().size(), checkpoint.weights().names().size());
      checkpoint.weights().names().forEach(name -> checkpoint.weights().tensor(name));
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void everyFieldChangesTheDescriptionOrIsRefusedOrIsListedAsHarmless(String family) {
    Sample sample = Sample.of(family);
    ModelSpec original = opened(sample.in(folder));
    Family known = Family.of(family);
    List<String> wrong = new ArrayList<>();
    int[] tried = {0};
    sample
        .config()
        .forEach(
            (field, value) ->
                changes(field, value)
                    .forEach(
                        (path, changed) -> {
                          for (Object other : changed) {
                            tried[0]++;
                            Sample.config(folder, sample.with(field, other).config());
                            ModelSpec spec = opened(folder);
                            boolean same = original.equals(spec);
                            if (same != harmless(known, path)) {
                              wrong.add(path + " -> " + other + (same ? " is lost" : " matters"));
                            }
                          }
                        }));
    assertEquals(List.of(), wrong);
    assertTrue(tried[0] > sample.config().size(), tried[0] + " changes");
  }

  @ParameterizedTest
  @MethodSource("families")
  void anUnknownFieldIsRefused(String family) {
    Sample.of(family).with("zeta_scaling", 2).in(folder);
    String message = refusal(folder);
    assertTrue(
        message.endsWith(
            "config.json: field \"zeta_scaling\" 2 is not known to the family \"" + family + "\""),
        message);
  }

  private static boolean harmless(Family family, String path) {
    int dot = path.lastIndexOf('.');
    return family.harmless().containsKey(path)
        || dot > 0 && family.harmless().containsKey(path.substring(0, dot) + ".*")
        || dot > 0 && family.harmless().containsKey(path.substring(0, dot));
  }

  private static @Nullable ModelSpec opened(Path folder) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return checkpoint.spec();
    } catch (DescriptionException | WeightsException refused) {
      return null;
    }
  }

  private static String refusal(Path folder) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return "opened";
    } catch (DescriptionException refused) {
      return refused.getMessage();
    }
  }

  /** Returns other values of a field by the path of what differs in them. */
  private static Map<String, List<@Nullable Object>> changes(String path, @Nullable Object value) {
    Map<String, List<@Nullable Object>> changes = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> map && !map.isEmpty()) {
      map.forEach(
          (name, part) ->
              changes(path + "." + name, part)
                  .forEach(
                      (inner, others) -> {
                        for (Object other : others) {
                          Map<Object, Object> copy = new LinkedHashMap<>(map);
                          copy.put(name, other);
                          add(changes, inner, copy);
                        }
                      }));
      Map<Object, Object> more = new LinkedHashMap<>(map);
      more.put("zeta", 3L);
      add(changes, path, more);
      add(changes, path, null);
    } else if (value instanceof List<?> list && !list.isEmpty()) {
      for (int i = 0; i < list.size(); i++) {
        for (Object other : scalars(list.get(i))) {
          List<Object> copy = new ArrayList<>(list);
          copy.set(i, other);
          add(changes, path, copy);
        }
      }
      List<Object> longer = new ArrayList<>(list);
      longer.add(scalars(list.get(0)).get(0));
      add(changes, path, longer);
      add(changes, path, list.subList(1, list.size()));
    } else {
      scalars(value).forEach(other -> add(changes, path, other));
    }
    return changes;
  }

  private static List<@Nullable Object> scalars(@Nullable Object value) {
    if (value instanceof Boolean flag) {
      return List.of(!flag);
    } else if (value instanceof Long number) {
      return List.of(
          number + 1, number == 0 ? 7L : number * 2, -number - 1, 1L << 31, Long.MAX_VALUE);
    } else if (value instanceof Double number) {
      return List.of(number == 0 ? 0.25 : number * 1.5, -number - 1, 1e300, 1e-300);
    } else if (value instanceof String word) {
      return List.of(word + "x", "");
    } else if (value == null) {
      return List.of(3L, "word", true);
    }
    return Collections.singletonList(null);
  }

  private static void add(
      Map<String, List<@Nullable Object>> changes, String path, @Nullable Object value) {
    changes.computeIfAbsent(path, each -> new ArrayList<>()).add(value);
  }
}
