package anabranch.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Every formula of a family's file, wherever it stands. Stateless. */
final class Formulas {
  private static final Pattern INSIDE = Pattern.compile("\\{([^{}]+)\\}");
  private static final Pattern SLICE = Pattern.compile("\\[([^\\[\\]]+)\\]");

  private Formulas() {}

  /** Returns the formulas that read fields. */
  static List<String> of(Family family) {
    List<String> all = new ArrayList<>();
    collect(family.defaults(), all);
    collect(family.let(), all);
    collect(family.model(), all);
    collect(family.shapes(), all);
    all.addAll(family.require().keySet());
    family.tensors().values().forEach(made -> tensor(made, all));
    for (Map<String, @Nullable Object> conditions : List.of(family.harmless(), family.ignore())) {
      conditions.values().forEach(each -> condition(each, all));
    }
    return all;
  }

  private static void condition(@Nullable Object value, List<String> into) {
    if (value instanceof String formula) {
      into.add(formula);
    }
  }

  private static void collect(@Nullable Object template, List<String> into) {
    if (template instanceof String text && text.startsWith("=")) {
      into.add(text.substring(1));
    } else if (template instanceof List<?> list) {
      list.forEach(each -> collect(each, into));
    } else if (template instanceof Map<?, ?> map) {
      for (String word : List.of("if", "match", "to")) {
        condition(map.get(word), into);
      }
      map.values().forEach(each -> collect(each, into));
    }
  }

  private static void tensor(@Nullable Object made, List<String> into) {
    if (made instanceof Map<?, ?> map) {
      condition(map.get("if"), into);
      tensor(map.get("then"), into);
      tensor(map.get("else"), into);
    } else if (made instanceof String text) {
      for (Matcher name = INSIDE.matcher(text); name.find(); ) {
        into.add(name.group(1));
      }
      for (Matcher slice = SLICE.matcher(text); slice.find(); ) {
        for (String bound : slice.group(1).split("[,:]")) {
          if (!bound.isBlank()) {
            into.add(bound);
          }
        }
      }
    }
  }
}
