package anabranch.checkpoint;

import anabranch.checkpoint.formula.Expression;
import anabranch.checkpoint.formula.Formula;
import anabranch.checkpoint.formula.Json;
import anabranch.checkpoint.formula.Names;
import anabranch.checkpoint.formula.Terms;
import anabranch.error.DescriptionException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What names mean in the formulas of one checkpoint: counters, then the family's parts, then fields
 * of the configuration, then the family's defaults. Confined to one thread.
 */
final class Scope implements Names {
  private static final int MOST_DEPTH = 64;

  private final Family family;
  private final Map<String, @Nullable Object> config;
  private final Map<String, Object> locals;
  private final Shared shared;

  /** What a scope and those made from it have in common. */
  private static final class Shared {
    private final Map<String, Expression> parsed = new HashMap<>();
    private final Map<String, Set<String>> fieldsByPath = new LinkedHashMap<>();
    private Set<String> stored = Set.of();
    private String path = "";
    private int depth;
  }

  private Scope(
      Family family,
      Map<String, @Nullable Object> config,
      Map<String, Object> locals,
      Shared shared) {
    this.family = family;
    this.config = config;
    this.locals = locals;
    this.shared = shared;
  }

  /**
   * Creates a scope.
   *
   * @param settings the value of each setting of the family, under its name behind a dollar sign
   */
  Scope(Family family, Map<String, @Nullable Object> config, Map<String, Object> settings) {
    this(family, config, settings, new Shared());
  }

  /** Returns this scope with counters. */
  Scope with(Map<String, ? extends Object> counters) {
    Map<String, Object> more = new HashMap<>(locals);
    more.putAll(counters);
    return new Scope(family, config, more, shared);
  }

  @Override
  public boolean has(String name) {
    return locals.containsKey(name)
        || family.let().containsKey(name)
        || config.containsKey(name)
        || family.defaults().containsKey(name);
  }

  @Override
  public @Nullable Object value(String name) {
    if (locals.containsKey(name)) {
      return locals.get(name);
    } else if (family.let().containsKey(name)) {
      return Template.expand(family.let().get(name), deeper(name));
    } else if (config.containsKey(name)) {
      shared.fieldsByPath.computeIfAbsent(shared.path, path -> new LinkedHashSet<>()).add(name);
      return config.get(name);
    } else if (family.defaults().containsKey(name)) {
      return Template.expand(family.defaults().get(name), deeper(name));
    }
    throw new DescriptionException("field \"" + name + "\" is missing");
  }

  @Override
  public boolean stored(String tensor) {
    return shared.stored.contains(tensor);
  }

  /** Says which tensors there are. */
  void store(Set<String> tensors) {
    shared.stored = tensors;
  }

  /** Returns the value of a formula. */
  @Nullable Object formula(String text) {
    return parsed(text).in(this);
  }

  /** Returns whether a formula holds. */
  boolean holds(String text) {
    return Terms.truth(text, formula(text));
  }

  /** Returns the value of a formula as a whole number that fits into 32 bits. */
  int count(String text) {
    long value = Terms.whole(text, formula(text));
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw Terms.wrong(text, value, "in 0.." + Integer.MAX_VALUE);
    }
    return (int) value;
  }

  /** Says where in the description what is evaluated next will stand; returns where it stood. */
  String stand(String path) {
    String before = shared.path;
    shared.path = path;
    return before;
  }

  String standing() {
    return shared.path;
  }

  /** Returns the fields, with their values, that a place of the description was made of. */
  String madeOf(String path) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    shared.fieldsByPath.forEach(
        (place, names) -> {
          if (place.startsWith(path)) {
            names.forEach(name -> fields.put(name, config.get(name)));
          }
        });
    StringBuilder words = new StringBuilder();
    fields.forEach(
        (name, value) -> {
          if (words.length() < 400) {
            words.append(words.isEmpty() ? "" : ", ").append(name).append(' ');
            words.append(Json.shown(value));
          }
        });
    return words.toString();
  }

  void leave() {
    shared.depth--;
  }

  private Scope deeper(String name) {
    if (++shared.depth > MOST_DEPTH) {
      throw new IllegalStateException(family.name() + ".json: " + name + " contains itself");
    }
    return this;
  }

  private Expression parsed(String text) {
    return shared.parsed.computeIfAbsent(text, Formula::parse);
  }
}
