package anabranch.conformance.report;

import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Counts in how many descriptions each type and each constant of the language stands. */
final class Vocabulary {
  private final Map<String, Integer> counts = new TreeMap<>();

  /** Adds a description. */
  void add(Record description) {
    Set<String> words = new TreeSet<>();
    collect(description, words);
    words.forEach(word -> counts.merge(word, 1, Integer::sum));
  }

  /** Returns how often each word of some sealed type or enumeration was seen, 0 for never. */
  Map<String, Integer> counts(Collection<Class<?>> roots) {
    Map<String, Integer> all = new TreeMap<>();
    Set<Class<?>> known = new java.util.HashSet<>();
    roots.forEach(root -> expect(root, all, known));
    return all;
  }

  private void expect(Class<?> type, Map<String, Integer> into, Set<Class<?>> known) {
    if (!known.add(type)) {
      return;
    }
    if (type.isEnum()) {
      for (Object constant : type.getEnumConstants()) {
        String word = word(constant);
        into.put(word, counts.getOrDefault(word, 0));
      }
    } else if (type.isSealed()) {
      for (Class<?> each : type.getPermittedSubclasses()) {
        String word = word(each);
        into.put(word, counts.getOrDefault(word, 0));
        expect(each, into, known);
      }
    } else if (type.isRecord()) {
      into.put(word(type), counts.getOrDefault(word(type), 0));
      for (RecordComponent component : type.getRecordComponents()) {
        expect(component.getGenericType(), into, known);
      }
    }
  }

  private void expect(java.lang.reflect.Type type, Map<String, Integer> into, Set<Class<?>> known) {
    if (type instanceof Class<?> plain) {
      expect(plain, into, known);
    } else if (type instanceof java.lang.reflect.ParameterizedType generic) {
      for (java.lang.reflect.Type argument : generic.getActualTypeArguments()) {
        expect(argument, into, known);
      }
    }
  }

  private static void collect(Object value, Set<String> into) {
    if (value instanceof Enum<?> constant) {
      into.add(word(constant));
    } else if (value instanceof Record record) {
      into.add(word(record.getClass()));
      for (RecordComponent component : record.getClass().getRecordComponents()) {
        collect(part(record, component), into);
      }
    } else if (value instanceof Collection<?> all) {
      all.forEach(each -> collect(each, into));
    } else if (value instanceof Map<?, ?> map) {
      map.values().forEach(each -> collect(each, into));
    }
  }

  private static Object part(Record record, RecordComponent component) {
    try {
      Object part = component.getAccessor().invoke(record);
      return part == null ? "" : part;
    } catch (ReflectiveOperationException impossible) {
      throw new AssertionError(impossible);
    }
  }

  private static String word(Object constant) {
    return word(((Enum<?>) constant).getDeclaringClass()) + "." + ((Enum<?>) constant).name();
  }

  private static String word(Class<?> type) {
    Class<?> outer = type.getEnclosingClass();
    return outer == null ? type.getSimpleName() : word(outer) + "." + type.getSimpleName();
  }
}
