package anabranch.json;

import anabranch.error.DescriptionException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The fields of one object, each taken once, none left over. */
final class Fields {
  private final String path;
  private final Map<String, JsonNode> left = new LinkedHashMap<>();
  private final List<String> known = new ArrayList<>();

  private Fields(String path) {
    this.path = path;
  }

  static Fields of(String path, JsonNode node) {
    if (!node.isObject()) {
      throw ValueReader.wrong(path.isEmpty() ? "text" : path, node, "an object");
    }
    Fields fields = new Fields(path);
    node.properties().forEach(field -> fields.left.put(field.getKey(), field.getValue()));
    return fields;
  }

  static String path(String above, String name) {
    return above.isEmpty() ? name : above + "." + name;
  }

  String path(String name) {
    return path(path, name);
  }

  /** Takes a field that must be there. */
  JsonNode take(String name) {
    JsonNode node = takeIfPresent(name);
    if (node == null) {
      throw new DescriptionException(path(name) + " is missing");
    }
    return node;
  }

  /** Takes a field, or returns null if it is not there. */
  @Nullable JsonNode takeIfPresent(String name) {
    known.add(name);
    return left.remove(name);
  }

  void requireEmpty() {
    for (String name : left.keySet()) {
      throw new DescriptionException(path(name) + " is not a field here; the fields are " + known);
    }
  }

  Map<String, JsonNode> all() {
    return left;
  }
}
