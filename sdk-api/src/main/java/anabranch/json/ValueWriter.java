package anabranch.json;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JsonGenerator;

/** Writes a value as its declared type says; see the package for how. */
final class ValueWriter {
  private final JsonGenerator json;

  ValueWriter(JsonGenerator json) {
    this.json = json;
  }

  void write(Object value, Type declared) {
    if (value instanceof Integer number) {
      json.writeNumber(number);
    } else if (value instanceof Long number) {
      json.writeNumber(number);
    } else if (value instanceof Double number) {
      json.writeNumber(number);
    } else if (value instanceof Boolean flag) {
      json.writeBoolean(flag);
    } else if (value instanceof String string) {
      json.writeString(string);
    } else if (value instanceof Enum<?> constant) {
      json.writeString(Words.of(constant));
    } else if (value instanceof List<?> list) {
      json.writeStartArray();
      for (Object element : list) {
        write(element, argument(declared, 0));
      }
      json.writeEndArray();
    } else if (value instanceof Map<?, ?> map) {
      json.writeStartObject();
      for (Map.Entry<?, ?> entry : new TreeMap<>(map).entrySet()) {
        json.writeName((String) entry.getKey());
        write(entry.getValue(), argument(declared, 1));
      }
      json.writeEndObject();
    } else {
      writeRecord((Record) value, ((Class<?>) declared).isSealed());
    }
  }

  private void writeRecord(Record value, boolean oneOfSeveral) {
    json.writeStartObject();
    if (oneOfSeveral) {
      json.writeStringProperty(Words.TYPE, Words.of(value.getClass()));
    }
    for (RecordComponent component : value.getClass().getRecordComponents()) {
      Object part = part(value, component);
      if (part != null) {
        json.writeName(component.getName());
        write(part, component.getGenericType());
      }
    }
    json.writeEndObject();
  }

  private static Object part(Record value, RecordComponent component) {
    try {
      return component.getAccessor().invoke(value);
    } catch (ReflectiveOperationException impossible) {
      throw new AssertionError(impossible);
    }
  }

  static Type argument(Type type, int index) {
    return ((ParameterizedType) type).getActualTypeArguments()[index];
  }
}
