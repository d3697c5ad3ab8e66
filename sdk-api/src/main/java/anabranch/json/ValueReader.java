package anabranch.json;

import anabranch.error.DescriptionException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads a value of a declared type; see the package for how. Stateless. */
final class ValueReader {
  private static final int SHOWN = 60;

  private ValueReader() {}

  static Object read(String path, JsonNode node, Type type) {
    if (type instanceof ParameterizedType generic) {
      return generic.getRawType() == List.class
          ? list(path, node, ValueWriter.argument(generic, 0))
          : map(path, node, ValueWriter.argument(generic, 1));
    }
    Class<?> plain = (Class<?>) type;
    if (plain.isEnum()) {
      return one(path, node, Words.constants(plain));
    } else if (plain.isSealed()) {
      Fields fields = Fields.of(path, node);
      String tag = fields.path(Words.TYPE);
      return record(path, fields, one(tag, fields.take(Words.TYPE), Words.cases(plain)));
    } else if (plain.isRecord()) {
      return record(path, Fields.of(path, node), plain);
    }
    return scalar(path, node, plain);
  }

  private static Object scalar(String path, JsonNode node, Class<?> type) {
    if (type == int.class || type == Integer.class) {
      return require(
              node.isIntegralNumber() && node.canConvertToInt(),
              path,
              node,
              "a whole number of 32 bits")
          .intValue();
    } else if (type == long.class || type == Long.class) {
      return require(
              node.isIntegralNumber() && node.canConvertToLong(),
              path,
              node,
              "a whole number of 64 bits")
          .longValue();
    } else if (type == double.class || type == Double.class) {
      return require(node.isNumber(), path, node, "a number").doubleValue();
    } else if (type == boolean.class) {
      return require(node.isBoolean(), path, node, "true or false").booleanValue();
    } else if (type == String.class) {
      return require(node.isString(), path, node, "a string").stringValue();
    }
    throw new AssertionError(type);
  }

  private static List<Object> list(String path, JsonNode node, Type element) {
    require(node.isArray(), path, node, "an array");
    List<Object> list = new ArrayList<>();
    for (JsonNode item : node) {
      list.add(read(path + "[" + list.size() + "]", item, element));
    }
    return list;
  }

  private static Map<String, Object> map(String path, JsonNode node, Type value) {
    Fields fields = Fields.of(path, node);
    Map<String, Object> map = new LinkedHashMap<>();
    fields.all().forEach((key, item) -> map.put(key, read(fields.path(key), item, value)));
    return map;
  }

  private static <T> T one(String path, JsonNode node, Map<String, T> words) {
    T found = node.isString() ? words.get(node.stringValue()) : null;
    if (found == null) {
      throw wrong(path, node, "one of " + words.keySet());
    }
    return found;
  }

  private static Object record(String path, Fields fields, Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    @Nullable Object[] parts = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      String name = components[i].getName();
      boolean optional = components[i].getAnnotatedType().isAnnotationPresent(Nullable.class);
      JsonNode node = optional ? fields.takeIfPresent(name) : fields.take(name);
      if (node != null) {
        parts[i] = read(fields.path(name), node, components[i].getGenericType());
      }
    }
    fields.requireEmpty();
    return construct(path, type, parts);
  }

  private static Object construct(String path, Class<?> type, @Nullable Object[] parts) {
    Class<?>[] types =
        Stream.of(type.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    try {
      return type.getConstructor(types).newInstance(parts);
    } catch (InvocationTargetException thrown) {
      if (thrown.getCause() instanceof DescriptionException refused) {
        throw new DescriptionException(path + ": " + refused.getMessage(), refused);
      }
      throw new AssertionError(thrown);
    } catch (ReflectiveOperationException impossible) {
      throw new AssertionError(impossible);
    }
  }

  private static JsonNode require(boolean holds, String path, JsonNode node, String expected) {
    if (!holds) {
      throw wrong(path, node, expected);
    }
    return node;
  }

  static DescriptionException wrong(String path, JsonNode node, String expected) {
    String value = node.toString();
    String shown = value.length() <= SHOWN ? value : value.substring(0, SHOWN) + "...";
    return new DescriptionException(path + " " + shown + " is not " + expected);
  }
}
