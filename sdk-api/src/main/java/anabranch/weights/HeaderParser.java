package anabranch.weights;

import anabranch.error.WeightsException;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON of a safetensors header: an object of tensors by name, each with {@code dtype},
 * {@code shape} and {@code data_offsets} and nothing else, and perhaps {@code __metadata__}, a map
 * of strings. What it holds is bounded by the header's length.
 */
final class HeaderParser {
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
    try {
      HeaderText text = new HeaderText(json);
      List<Header.Entry> entries = entries(text);
      char behind = text.next();
      if (!text.ended() && (behind == '"' || "{[-0123456789".indexOf(behind) >= 0)) {
        throw wrong("the header goes on behind its closing '}'");
      } else if (!text.ended()) {
        throw wrong("the header is not valid JSON: it goes on behind its closing '}'");
      }
      return entries;
    } catch (CharacterCodingException malformed) {
      throw new WeightsException(file + ": the header is not UTF-8 text", malformed);
    } catch (HeaderText.Malformed invalid) {
      throw new WeightsException(
          file + ": the header is not valid JSON: " + invalid.getMessage(), invalid);
    }
  }

  private List<Header.Entry> entries(HeaderText text) throws HeaderText.Malformed {
    List<Header.Entry> entries = new ArrayList<>();
    Set<String> names = new HashSet<>();
    text.pass('{');
    for (boolean first = true; text.goesOn(first, '}'); first = false) {
      String name = once(text, names);
      if (name.equals(Header.METADATA)) {
        checkMetadata(text);
      } else {
        entries.add(entry(text, name));
      }
    }
    return entries;
  }

  private static String once(HeaderText text, Set<String> names) throws HeaderText.Malformed {
    String name = text.name();
    if (!names.add(name)) {
      throw text.duplicate(name);
    }
    return name;
  }

  private void checkMetadata(HeaderText text) throws HeaderText.Malformed {
    if (text.next() != '{') {
      text.scalar(1);
      throw wrong(Header.METADATA + " is not an object");
    }
    Set<String> keys = new HashSet<>();
    text.pass('{');
    for (boolean first = true; text.goesOn(first, '}'); first = false) {
      String key = once(text, keys);
      if (!text.scalar(2).isString()) {
        throw wrong(Header.METADATA + " \"" + key + "\" is not a string");
      }
    }
  }

  private Header.Entry entry(HeaderText text, String name) throws HeaderText.Malformed {
    String tensor = "tensor \"" + name + "\"";
    if (text.next() != '{') {
      text.scalar(1);
      throw wrong(tensor + " is not an object");
    }
    DType type = null;
    List<Integer> shape = null;
    List<Long> offsets = null;
    Set<String> fields = new HashSet<>();
    text.pass('{');
    for (boolean first = true; text.goesOn(first, '}'); first = false) {
      String field = once(text, fields);
      switch (field) {
        case "dtype" -> type = type(text, tensor);
        case "shape" -> shape = shape(text, tensor);
        case "data_offsets" -> offsets = offsets(text, tensor);
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

  private DType type(HeaderText text, String tensor) throws HeaderText.Malformed {
    HeaderText.Scalar name = text.scalar(2);
    for (DType type : DType.values()) {
      if (name.isString() && type.name().equals(name.text())) {
        return type;
      }
    }
    throw wrong(tensor + " dtype " + name.text() + " is not one of " + List.of(DType.values()));
  }

  private List<Integer> shape(HeaderText text, String tensor) throws HeaderText.Malformed {
    List<Integer> shape = new ArrayList<>();
    for (long extent :
        integers(text, tensor + " shape", 1, Integer.MAX_VALUE, Header.MOST_EXTENTS)) {
      shape.add((int) extent);
    }
    return List.copyOf(shape);
  }

  private List<Long> offsets(HeaderText text, String tensor) throws HeaderText.Malformed {
    String field = tensor + " data_offsets";
    List<Long> offsets = integers(text, field, 0, Long.MAX_VALUE, 2);
    if (offsets.size() != 2) {
      throw wrong(field + " " + offsets + " are not 2 numbers");
    }
    return offsets;
  }

  private List<Long> integers(HeaderText text, String field, long least, long most, int count)
      throws HeaderText.Malformed {
    if (text.next() != '[') {
      text.scalar(2);
      throw wrong(field + " is not an array");
    }
    List<Long> numbers = new ArrayList<>();
    text.pass('[');
    for (boolean first = true; text.goesOn(first, ']'); first = false) {
      if (numbers.size() == count) {
        throw wrong(field + " has more than " + count + " numbers");
      }
      HeaderText.Scalar given = text.scalar(3);
      Long number = given.isWhole() ? number(given.text()) : null;
      if (number == null || number < least || number > most) {
        throw wrong(
            field
                + "["
                + numbers.size()
                + "] "
                + given.text()
                + " is not a whole number in "
                + least
                + ".."
                + most);
      }
      numbers.add(number);
    }
    return numbers;
  }

  /** Returns a whole number; null where it is beyond 64 bits. */
  private static @Nullable Long number(String digits) {
    try {
      return Long.valueOf(digits);
    } catch (NumberFormatException large) {
      return null;
    }
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
