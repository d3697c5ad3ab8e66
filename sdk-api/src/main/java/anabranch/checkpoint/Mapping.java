package anabranch.checkpoint;

import anabranch.checkpoint.tensor.Made;
import anabranch.error.WeightsException;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Parameter;
import anabranch.weights.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds what each parameter of a description is made of, and that nothing is left over. */
final class Mapping {
  private static final int NAMED = 5;

  private final Family family;
  private final Scope scope;
  private final Map<String, Tensor> tensors;
  private final Set<String> used = new HashSet<>();
  private final Map<String, List<String>> patterns = new HashMap<>();
  private final Map<String, NamePattern> parsed = new HashMap<>();
  private final List<String> problems = new ArrayList<>();

  private Mapping(Family family, Scope scope, Map<String, Tensor> tensors) {
    this.family = family;
    this.scope = scope;
    this.tensors = tensors;
    family
        .tensors()
        .keySet()
        .forEach(
            pattern ->
                patterns
                    .computeIfAbsent(NamePattern.key(pattern), key -> new ArrayList<>())
                    .add(pattern));
  }

  /**
   * Returns what each parameter is made of.
   *
   * @throws WeightsException naming the published tensors that are missing, misshapen or surplus
   */
  static Map<String, Made> of(
      Family family, Scope scope, ModelSpec spec, Map<String, Tensor> tensors) {
    Mapping mapping = new Mapping(family, scope, tensors);
    Map<String, Made> made = new LinkedHashMap<>();
    Recipe recipe = new Recipe(tensors, mapping.used);
    for (Parameter parameter : spec.parameters()) {
      if (mapping.problems.size() == NAMED) {
        break;
      }
      try {
        made.put(parameter.name(), mapping.made(parameter, recipe));
      } catch (WeightsException unfit) {
        mapping.problem(String.valueOf(unfit.getMessage()));
      }
    }
    mapping.shapes();
    mapping.surplus();
    if (!mapping.problems.isEmpty()) {
      throw new WeightsException(
          String.join("; ", mapping.problems)
              + (mapping.problems.size() == NAMED ? "; and perhaps more" : ""));
    }
    return made;
  }

  private Made made(Parameter parameter, Recipe recipe) {
    String name = parameter.name();
    for (String pattern : patterns.getOrDefault(NamePattern.key(name), List.of())) {
      Map<String, Long> counters = match(pattern, name);
      if (counters == null) {
        continue;
      }
      Scope inside = scope.with(counters);
      String text = chosen(family.tensors().get(pattern), inside);
      Made made;
      try {
        made = recipe.made(text, parameter.shape(), inside);
      } catch (IllegalArgumentException unfit) {
        throw new WeightsException("\"" + text + "\": " + unfit.getMessage(), unfit);
      }
      if (!made.shape().equals(parameter.shape())) {
        throw new WeightsException(
            "tensor \""
                + Recipe.name(text, inside)
                + "\" has the shape "
                + made.shape()
                + " instead of "
                + parameter.shape());
      }
      return made;
    }
    throw new IllegalStateException(family.name() + ".json does not say what " + name + " is");
  }

  private static String chosen(@Nullable Object made, Scope scope) {
    Object value = made;
    while (value instanceof Map<?, ?> map) {
      value = map.get(scope.holds((String) map.get("if")) ? "then" : "else");
    }
    return (String) value;
  }

  /** Slices alone would not notice that a tensor has more than was taken. */
  private void shapes() {
    family
        .shapes()
        .forEach(
            (pattern, extents) ->
                tensors.forEach(
                    (name, tensor) -> {
                      Map<String, Long> counters = match(pattern, name);
                      if (counters != null && used.contains(name)) {
                        Object expected = Template.at("", extents, scope.with(counters));
                        if (!tensor.shape().toString().equals(String.valueOf(expected))) {
                          problem(
                              "tensor \""
                                  + name
                                  + "\" has the shape "
                                  + tensor.shape()
                                  + " instead of "
                                  + expected);
                        }
                      }
                    }));
  }

  private void surplus() {
    for (String name : tensors.keySet()) {
      if (used.contains(name) || ignored(name)) {
        continue;
      }
      String same = (String) family.equal().get(name);
      Tensor original = same == null ? null : tensors.get(same);
      if (original == null) {
        problem("tensor \"" + name + "\" has no place in the family \"" + family.name() + "\"");
      } else if (!same(original, tensors.get(name))) {
        problem(
            "tensor \""
                + name
                + "\" is not the same as \""
                + same
                + "\", to which the configuration ties it");
      }
    }
  }

  private static boolean same(Tensor a, @Nullable Tensor b) {
    return b != null
        && a.type() == b.type()
        && a.shape().equals(b.shape())
        && a.bytes().equals(b.bytes());
  }

  private boolean ignored(String name) {
    for (Map.Entry<String, @Nullable Object> each : family.ignore().entrySet()) {
      Map<String, Long> counters = match(each.getKey(), name);
      if (counters != null) {
        boolean always = !(each.getValue() instanceof String);
        if (always || scope.with(counters).holds((String) each.getValue())) {
          return true;
        }
      }
    }
    return false;
  }

  private @Nullable Map<String, Long> match(String pattern, String name) {
    return parsed.computeIfAbsent(pattern, NamePattern::new).match(name);
  }

  private void problem(String what) {
    if (problems.size() < NAMED) {
      problems.add(what);
    }
  }
}
