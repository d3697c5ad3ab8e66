package anabranch.checkpoint;

import anabranch.checkpoint.formula.Formula;
import anabranch.checkpoint.formula.Json;
import anabranch.checkpoint.formula.Terms;
import anabranch.error.DescriptionException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Compares the fields of a configuration with those that a family knows. */
final class Fields {
  private final Family family;
  private final Map<String, @Nullable Object> config;
  private final Scope scope;

  private Fields(Family family, Map<String, @Nullable Object> config, Scope scope) {
    this.family = family;
    this.config = config;
    this.scope = scope;
  }

  /**
   * Checks what must hold, and that every field is known.
   *
   * @throws DescriptionException naming the field, its value and the bound
   */
  static void check(Family family, Map<String, @Nullable Object> config, Scope scope) {
    Fields fields = new Fields(family, config, scope);
    family.must().forEach(fields::must);
    config.forEach(fields::known);
    family
        .require()
        .forEach(
            (formula, words) -> {
              if (!scope.holds(formula)) {
                throw new DescriptionException(words + " (" + fields.values(formula) + ")");
              }
            });
  }

  private void must(String path, @Nullable Object allowed) {
    List<@Nullable Object> values = Json.list(allowed);
    Object value = config;
    for (String name : path.split("\\.")) {
      if (!(value instanceof Map<?, ?> map) || !map.containsKey(name)) {
        return;
      }
      value = map.get(name);
    }
    Object found = value;
    if (values.stream().noneMatch(each -> Terms.same(each, found))) {
      throw new DescriptionException(
          "field \""
              + path
              + "\" "
              + Json.shown(found)
              + " is not "
              + (values.size() == 1 ? "" : "one of ")
              + Json.text(values.size() == 1 ? values.get(0) : values));
    }
  }

  private void known(String path, @Nullable Object value) {
    if (harmless(path)) {
      return;
    }
    boolean inside = family.fields().stream().anyMatch(name -> name.startsWith(path + "."));
    if (inside && value instanceof Map<?, ?> map) {
      Json.map(map).forEach((name, part) -> known(path + "." + name, part));
    } else if (!family.fields().contains(path) && !family.must().containsKey(path)) {
      throw new DescriptionException(
          "field \""
              + path
              + "\" "
              + Json.shown(value)
              + " is not known to the family \""
              + family.name()
              + "\"");
    }
  }

  private boolean harmless(String path) {
    Object when = family.harmless().get(path);
    int dot = path.lastIndexOf('.');
    if (when == null && dot > 0) {
      when = family.harmless().get(path.substring(0, dot) + ".*");
    }
    return when instanceof String formula ? scope.holds(formula) : when != null;
  }

  private String values(String formula) {
    Set<String> names = new TreeSet<>();
    Formula.parse(formula).names(names);
    StringBuilder words = new StringBuilder();
    for (String name : names) {
      if (config.containsKey(name)) {
        words.append(words.isEmpty() ? "" : ", ").append(name).append(' ');
        words.append(Json.shown(config.get(name)));
      }
    }
    return words.toString();
  }
}
