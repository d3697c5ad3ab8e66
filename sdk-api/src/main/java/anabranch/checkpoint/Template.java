package anabranch.checkpoint;

import anabranch.checkpoint.formula.Json;
import anabranch.checkpoint.formula.Terms;
import anabranch.error.DescriptionException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts the values of formulas into a tree; see the package for the words. Stateless. */
final class Template {
  private static final int MOST_TIMES = 1 << 16;

  private Template() {}

  /** Returns a part of the family's file with all formulas evaluated. */
  static @Nullable Object expand(@Nullable Object template, Scope scope) {
    try {
      return value(scope.standing(), template, scope);
    } finally {
      scope.leave();
    }
  }

  /** Returns the tree of a whole description, whose places the scope remembers. */
  static @Nullable Object at(String path, @Nullable Object template, Scope scope) {
    String before = path.isEmpty() ? null : scope.stand(path);
    try {
      return value(path, template, scope);
    } finally {
      if (before != null) {
        scope.stand(before);
      }
    }
  }

  private static @Nullable Object value(String path, @Nullable Object template, Scope scope) {
    if (template instanceof String text) {
      return text.startsWith("=") ? scope.formula(text.substring(1)) : text;
    } else if (template instanceof List<?> list) {
      List<@Nullable Object> into = new ArrayList<>();
      list.forEach(each -> add(path, each, scope, into));
      return into;
    } else if (!(template instanceof Map<?, ?>)) {
      return template;
    }
    Map<String, @Nullable Object> map = Json.map(template);
    if (map.get("if") instanceof String condition) {
      return at(path, map.get(scope.holds(condition) ? "then" : "else"), scope);
    } else if (map.get("match") instanceof String formula) {
      return at(path, matching(formula, Json.map(map.get("cases")), scope), scope);
    }
    Map<String, @Nullable Object> into = new LinkedHashMap<>();
    map.forEach(
        (name, part) -> {
          Object value = at(path.isEmpty() ? "" : path + "." + name, part, scope);
          if (value != null) {
            into.put(name, value);
          }
        });
    return into;
  }

  private static void add(
      String path, @Nullable Object template, Scope scope, List<@Nullable Object> into) {
    if (template instanceof Map<?, ?> map && map.get("each") instanceof String counter) {
      String to = (String) map.get("to");
      int times = scope.count(to);
      if (times > MOST_TIMES) {
        throw Terms.wrong(to, times, "at most " + MOST_TIMES);
      }
      Scope counted = scope;
      if (map.get("with") instanceof Map<?, ?> names) {
        counted = scope.with(values(Json.map(names), scope));
      }
      for (long i = 0; i < times; i++) {
        add(path, map.get("give"), counted.with(Map.of(counter, i)), into);
      }
      return;
    }
    if (template instanceof List<?> list) {
      list.forEach(each -> add(path, each, scope, into));
      return;
    }
    String here = path.isEmpty() ? "" : path + "[" + into.size() + "]";
    Object value = at(here, template, scope);
    if (value instanceof List<?> several) {
      into.addAll(several);
    } else if (value != null) {
      into.add(value);
    }
  }

  private static Map<String, Object> values(Map<String, @Nullable Object> names, Scope scope) {
    Map<String, Object> values = new HashMap<>();
    for (Map.Entry<String, @Nullable Object> name : names.entrySet()) {
      Object value = value(scope.standing(), name.getValue(), scope);
      if (value != null) {
        values.put(name.getKey(), value);
      }
    }
    return values;
  }

  private static @Nullable Object matching(
      String formula, Map<String, @Nullable Object> cases, Scope scope) {
    Object value = scope.formula(formula);
    if (!(value instanceof String word) || !cases.containsKey(word)) {
      throw new DescriptionException(
          "field \""
              + formula.strip()
              + "\" "
              + Json.shown(value)
              + " is not one of "
              + cases.keySet());
    }
    return cases.get(word);
  }
}
