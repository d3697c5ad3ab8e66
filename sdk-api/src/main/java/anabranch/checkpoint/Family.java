package anabranch.checkpoint;

import anabranch.checkpoint.formula.Formula;
import anabranch.checkpoint.formula.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What one file of the library says about a family of checkpoints, with what it includes; its own
 * words win over included ones. The words are explained at the package. Not to be changed.
 *
 * @param fields the fields that its formulas read, with members such as {@code rope_scaling.factor}
 */
record Family(
    String name,
    List<String> modelTypes,
    @Nullable String when,
    Map<String, @Nullable Object> settings,
    Map<String, @Nullable Object> defaults,
    Map<String, @Nullable Object> must,
    Map<String, @Nullable Object> require,
    Map<String, @Nullable Object> harmless,
    Map<String, @Nullable Object> let,
    @Nullable Object model,
    Map<String, @Nullable Object> tensors,
    Map<String, @Nullable Object> shapes,
    Map<String, @Nullable Object> equal,
    Map<String, @Nullable Object> ignore,
    Set<String> fields) {
  private static final List<String> MAPS =
      List.of(
          "settings",
          "defaults",
          "must",
          "require",
          "harmless",
          "let",
          "tensors",
          "shapes",
          "equal",
          "ignore");
  private static final List<String> OTHERS =
      List.of("about", "include", "model_type", "when", "model");

  private static final Map<String, Family> READ = new ConcurrentHashMap<>();

  /** Returns the names of all families, in the order of their list. */
  static List<String> all() {
    return strings(resource("families").get("families"));
  }

  /** Returns a family of the library. */
  static Family of(String name) {
    return READ.computeIfAbsent(name, Family::read);
  }

  private static Family read(String name) {
    Map<String, @Nullable Object> own = resource(name);
    Map<String, Map<String, @Nullable Object>> maps = new LinkedHashMap<>();
    MAPS.forEach(each -> maps.put(each, new LinkedHashMap<>()));
    collect(name, own, maps);
    Family family =
        new Family(
            name,
            strings(own.get("model_type")),
            (String) own.get("when"),
            maps.get("settings"),
            maps.get("defaults"),
            maps.get("must"),
            maps.get("require"),
            maps.get("harmless"),
            maps.get("let"),
            own.get("model"),
            maps.get("tensors"),
            maps.get("shapes"),
            maps.get("equal"),
            maps.get("ignore"),
            new TreeSet<>());
    for (String formula : Formulas.of(family)) {
      Formula.parse(formula).names(family.fields);
    }
    // Parts of the file and counters, which have one letter, are no fields.
    family.fields.removeIf(field -> family.let.containsKey(field) || field.length() == 1);
    family.fields.add("model_type");
    return family;
  }

  /** Returns the values a setting may have; the first is the default. */
  List<String> values(String setting) {
    return strings(settings.get(setting));
  }

  private static void collect(
      String name,
      Map<String, @Nullable Object> file,
      Map<String, Map<String, @Nullable Object>> into) {
    for (String included : strings(file.get("include"))) {
      collect(included, resource("shared/" + included), into);
    }
    for (Map.Entry<String, @Nullable Object> entry : file.entrySet()) {
      String word = entry.getKey().equals("harmless_when") ? "harmless" : entry.getKey();
      Map<String, @Nullable Object> map = into.get(word);
      if (map != null && entry.getValue() instanceof List<?> names) {
        names.forEach(each -> map.put((String) each, true));
      } else if (map != null) {
        map.putAll(Json.map(entry.getValue()));
      } else if (!OTHERS.contains(entry.getKey())) {
        throw new IllegalStateException(name + ".json has the unknown word " + entry.getKey());
      }
    }
  }

  private static List<String> strings(@Nullable Object value) {
    List<String> strings = new ArrayList<>();
    if (value instanceof List<?> list) {
      list.forEach(each -> strings.add((String) each));
    } else if (value != null) {
      strings.add((String) value);
    }
    return strings;
  }

  private static Map<String, @Nullable Object> resource(String name) {
    try (InputStream in = Family.class.getResourceAsStream(name + ".json")) {
      if (in == null) {
        throw new IllegalStateException("the library has no " + name + ".json");
      }
      return Json.object(name + ".json", new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException failed) {
      throw new IllegalStateException("the library's " + name + ".json cannot be read", failed);
    }
  }
}
