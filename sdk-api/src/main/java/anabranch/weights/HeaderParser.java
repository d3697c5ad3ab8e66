package anabranch.weights;

import anabranch.error.WeightsException;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads the JSON of a safetensors header: an object of tensors by name, each with {@code dtype},
 * {@code shape} and {@code data_offsets} and nothing else, and perhaps {@code __metadata__}, a map
 * of strings. What it holds is bounded by the header's length.
 */
final class HeaderParser {
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
          .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(3)
                  .maxNumberLength(20)
                  .maxNameLength(Header.MOST_NAME)
                  .maxStringLength(Header.MOST_BYTES)
                  .build())
          .build();

  private final String file;
  private final byte[] json;

  HeaderParser(String file, byte[] json) {
    this.file = file;
    this.json = json;
  }

  List<Header.Entry> parse() {
    if (json.length == 0 || json[0] != '{') {
      throw wrong("the header does not start with '{'");
    }
    List<Header.Entry> entries = new ArrayList<>();
    // The parser's own decoder lets some malformed names pass and guesses at other encodings.
    Reader text =
        new InputStreamReader(new ByteArrayInputStream(json), StandardCharsets.UTF_8.newDecoder());
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), text)) {
      parser.nextToken();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        if (name.equals(Header.METADATA)) {
          checkMetadata(parser);
        } else {
          entries.add(entry(parser, name));
        }
      }
      if (parser.nextToken() != null) {
        throw wrong("the header goes on behind its closing '}'");
      }
    } catch (JacksonIOException malformed) {
      throw new WeightsException(file + ": the header is not UTF-8 text", malformed);
    } catch (JacksonException invalid) {
      throw new WeightsException(
          file + ": the header is not valid JSON: " + invalid.getOriginalMessage(), invalid);
    }
    return entries;
  }

  private void checkMetadata(JsonParser parser) {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw wrong(Header.METADATA + " is not an object");
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw wrong(Header.METADATA + " \"" + key + "\" is not a string");
      }
    }
  }

  private Header.Entry entry(JsonParser parser, String name) {
    String tensor = "tensor \"" + name + "\"";
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw wrong(tensor + " is not an object");
    }
    DType type = null;
    List<Integer> shape = null;
    List<Long> offsets = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      parser.nextToken();
      switch (field) {
        case "dtype" -> type = type(parser, tensor);
        case "shape" -> shape = shape(parser, tensor);
        case "data_offsets" -> offsets = offsets(parser, tensor);
        default -> throw wrong(tensor + " has the unknown field \"" + field + "\"");
      }
    }
    return entry(
        name,
        present(type, tensor, "dtype"),
        present(shape, tensor, "shape"),
        present(offsets, tensor, "data_offsets"));
  }

  private Header.Entry entry(String name, DType type, List<Integer> shape, List<Long> offsets) {
    Header.Entry entry = new Header.Entry(name, type, shape, offsets.get(0), offsets.get(1));
    if (entry.begin() > entry.end()) {
      throw wrong(entry.offsets() + " begin behind their end");
    }
    int bytes;
    try {
      bytes = Tensor.bytes(name, type, shape);
    } catch (WeightsException tooLarge) {
      throw wrong(tooLarge.getMessage());
    }
    long given = entry.end() - entry.begin();
    if (given != bytes) {
      throw wrong(
          entry.offsets()
              + " are "
              + given
              + " bytes, but "
              + type
              + " "
              + shape
              + " needs "
              + bytes);
    }
    return entry;
  }

  private DType type(JsonParser parser, String tensor) {
    String name = parser.currentToken() == JsonToken.VALUE_STRING ? parser.getString() : "";
    for (DType type : DType.values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    throw wrong(
        tensor + " dtype " + parser.getString() + " is not one of " + List.of(DType.values()));
  }

  private List<Integer> shape(JsonParser parser, String tensor) {
    return integers(parser, tensor + " shape", 1, Integer.MAX_VALUE, Header.MOST_EXTENTS).stream()
        .map(Long::intValue)
        .toList();
  }

  private List<Long> offsets(JsonParser parser, String tensor) {
    String field = tensor + " data_offsets";
    List<Long> offsets = integers(parser, field, 0, Long.MAX_VALUE, 2);
    if (offsets.size() != 2) {
      throw wrong(field + " " + offsets + " are not 2 numbers");
    }
    return offsets;
  }

  private List<Long> integers(JsonParser parser, String field, long least, long most, int count) {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw wrong(field + " is not an array");
    }
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (numbers.size() == count) {
        throw wrong(field + " has more than " + count + " numbers");
      }
      boolean fits =
          parser.currentToken() == JsonToken.VALUE_NUMBER_INT
              && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
      if (!fits || parser.getLongValue() < least || parser.getLongValue() > most) {
        throw wrong(
            field
                + "["
                + numbers.size()
                + "] "
                + parser.getString()
                + " is not a whole number in "
                + least
                + ".."
                + most);
      }
      numbers.add(parser.getLongValue());
    }
    return numbers;
  }

  private <T> T present(@Nullable T value, String tensor, String field) {
    if (value == null) {
      throw wrong(tensor + " has no " + field);
    }
    return value;
  }

  private WeightsException wrong(String what) {
    return new WeightsException(file + ": " + what);
  }
}
