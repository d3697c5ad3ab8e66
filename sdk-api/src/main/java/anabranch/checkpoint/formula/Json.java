package anabranch.checkpoint.formula;

import anabranch.error.DescriptionException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * JSON text as plain values: maps in their order, lists, strings, booleans, {@code Long}, {@code
 * Double} and null. Bounded in size and depth, no key twice, no number that is not finite.
 * Stateless.
 */
public final class Json {
  /** The most bytes of a configuration. */
  public static final int MOST_CONFIG = 1 << 20;

  /** The most bytes of an index of shards. */
  public static final int MOST_INDEX = 100_000_000;

  private static final int SHOWN = 60;
  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(32)
                          .maxNumberLength(100)
                          .maxNameLength(4096)
                          .maxStringLength(1 << 16)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  /**
   * Returns the object that a UTF-8 file holds.
   *
   * @throws DescriptionException naming the file
   */
  public static Map<String, @Nullable Object> read(Path file, int most) {
    if (!Files.isRegularFile(file)) {
      throw new DescriptionException(file + ": there is no such file");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw new DescriptionException(file + ": has more than " + most + " bytes");
      }
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return object(file.toString(), text);
    } catch (CharacterCodingException malformed) {
      throw new DescriptionException(file + ": is not UTF-8 text", malformed);
    } catch (IOException failed) {
      throw new DescriptionException(file + ": cannot be read: " + failed, failed);
    }
  }

  /** Returns the object that a text holds; {@code source} names it in errors. */
  public static Map<String, @Nullable Object> object(String source, String text) {
    JsonNode tree;
    try {
      tree = JSON.readTree(text);
    } catch (JacksonException invalid) {
      throw new DescriptionException(
          source + ": is not valid JSON: " + invalid.getOriginalMessage(), invalid);
    }
    if (!tree.isObject()) {
      throw new DescriptionException(source + ": is not a JSON object");
    }
    return map(plain(source, tree));
  }

  /** Returns a value as JSON text on one line. */
  public static String text(@Nullable Object value) {
    return JSON.writeValueAsString(value);
  }

  /** Returns a value as it stands in errors: JSON, cut where it is long. */
  public static String shown(@Nullable Object value) {
    String text = text(value);
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
  }

  /** Returns a value that is known to be an object. */
  @SuppressWarnings("unchecked")
  public static Map<String, @Nullable Object> map(@Nullable Object value) {
    return (Map<String, @Nullable Object>) value;
  }

  /** Returns a value that is known to be a list. */
  @SuppressWarnings("unchecked")
  public static List<@Nullable Object> list(@Nullable Object value) {
    return (List<@Nullable Object>) value;
  }

  private static @Nullable Object plain(String source, JsonNode node) {
    if (node.isObject()) {
      Map<String, @Nullable Object> map = new LinkedHashMap<>();
      node.properties().forEach(field -> map.put(field.getKey(), plain(source, field.getValue())));
      return Collections.unmodifiableMap(map);
    } else if (node.isArray()) {
      List<@Nullable Object> list = new ArrayList<>();
      node.forEach(item -> list.add(plain(source, item)));
      return Collections.unmodifiableList(list);
    } else if (node.isString()) {
      return node.stringValue();
    } else if (node.isBoolean()) {
      return node.booleanValue();
    } else if (node.isNull()) {
      return null;
    } else if (node.isIntegralNumber() && node.canConvertToLong()) {
      return node.longValue();
    } else if (node.isNumber() && Double.isFinite(node.doubleValue())) {
      return node.doubleValue();
    }
    throw new DescriptionException(source + ": " + shown(node.toString()) + " is no usable value");
  }
}
