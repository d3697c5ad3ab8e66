package anabranch.json;

import anabranch.error.DescriptionException;
import java.io.StringWriter;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/** The frame of a text: a version, and one value under its kind. */
final class Document {
  private static final String VERSION = "version";
  private static final JsonMapper JSON = mapper();
  private static final ObjectWriter PRETTY =
      JSON.writer()
          .with(
              new DefaultPrettyPrinter(
                      Separators.createDefaultInstance()
                          .withObjectNameValueSpacing(Separators.Spacing.AFTER))
                  .withObjectIndenter(new DefaultIndenter("  ", "\n")));

  private Document() {}

  static String write(String kind, Record value) {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = PRETTY.createGenerator(text)) {
      generator.writeStartObject();
      generator.writeNumberProperty(VERSION, Descriptions.VERSION);
      generator.writeName(kind);
      new ValueWriter(generator).write(value, value.getClass());
      generator.writeEndObject();
    }
    return text.append('\n').toString();
  }

  static <T extends Record> T read(String kind, Class<T> type, String text) {
    if (text.length() > Descriptions.MOST_CHARACTERS) {
      throw new DescriptionException(
          "text length " + text.length() + " is above " + Descriptions.MOST_CHARACTERS);
    }
    Fields fields = Fields.of("", tree(text));
    int version = (int) ValueReader.read(VERSION, fields.take(VERSION), int.class);
    if (version != Descriptions.VERSION) {
      throw new DescriptionException(VERSION + " " + version + " is not " + Descriptions.VERSION);
    }
    JsonNode value = fields.take(kind);
    fields.requireEmpty();
    return type.cast(ValueReader.read(kind, value, type));
  }

  private static JsonNode tree(String text) {
    try {
      JsonNode tree = JSON.readTree(text);
      if (tree.isMissingNode()) {
        throw new DescriptionException("text is empty");
      }
      return tree;
    } catch (JacksonException invalid) {
      throw new DescriptionException(
          "text" + place(invalid) + " is not valid JSON: " + invalid.getOriginalMessage(), invalid);
    }
  }

  private static String place(JacksonException invalid) {
    String place = "";
    TokenStreamLocation location = invalid.getLocation();
    if (location != null) {
      place += " at line " + location.getLineNr() + ", column " + location.getColumnNr();
    }
    if (invalid.processor() instanceof JsonParser parser) {
      String path = path(parser.streamReadContext());
      place += path.isEmpty() ? "" : ", in " + path + ",";
    }
    return place;
  }

  private static String path(TokenStreamContext context) {
    TokenStreamContext parent = context.getParent();
    String above = parent == null ? "" : path(parent);
    if (context.inArray()) {
      return above + "[" + context.getCurrentIndex() + "]";
    }
    return context.inObject() && context.hasCurrentName()
        ? Fields.path(above, context.currentName())
        : above;
  }

  private static JsonMapper mapper() {
    JsonFactory factory =
        JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            // The JDK's own shortest numbers differ between its versions.
            .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(32)
                    .maxNumberLength(100)
                    .maxNameLength(1000)
                    .maxStringLength(1000)
                    .build())
            .build();
    return JsonMapper.builder(factory)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();
  }
}
