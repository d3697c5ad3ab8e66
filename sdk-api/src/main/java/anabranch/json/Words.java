package anabranch.json;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The words under which types and constants stand in text. Stateless. */
final class Words {
  /** The field that says which record stands where several may. */
  static final String TYPE = "type";

  private Words() {}

  /** Returns the word of a record: its name, starting small. */
  static String of(Class<?> type) {
    String name = type.getSimpleName();
    return Character.toLowerCase(name.charAt(0)) + name.substring(1);
  }

  /** Returns the word of a constant: {@code RELU_SQUARED} is {@code reluSquared}. */
  static String of(Enum<?> constant) {
    StringBuilder word = new StringBuilder();
    for (String part : constant.name().split("_")) {
      String small = part.substring(1).toLowerCase(Locale.ROOT);
      char first = part.charAt(0);
      word.append(word.isEmpty() ? Character.toLowerCase(first) : first).append(small);
    }
    return word.toString();
  }

  /** Returns the records that a sealed type permits, by word. */
  static Map<String, Class<?>> cases(Class<?> sealed) {
    Map<String, Class<?>> cases = new LinkedHashMap<>();
    for (Class<?> permitted : sealed.getPermittedSubclasses()) {
      cases.put(of(permitted), permitted);
    }
    return cases;
  }

  /** Returns the constants of an enum, by word. */
  static Map<String, Object> constants(Class<?> type) {
    Map<String, Object> constants = new LinkedHashMap<>();
    for (Object constant : type.getEnumConstants()) {
      constants.put(of((Enum<?>) constant), constant);
    }
    return constants;
  }
}
