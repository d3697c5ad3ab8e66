package anabranch.samples.picture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The page and the JSON beside it, both read back from their files. */
class ReportFilesTest {
  private static final Pattern FIGURE =
      Pattern.compile("<data value=\"([^\"]*)\" data-at=\"([^\"]*)\">([^<]*)</data>");
  private static final Pattern LINE =
      Pattern.compile(
          "<article class=\"line\" data-line=\"([^\"]*)\">.*?<p>(.*?)</p>", Pattern.DOTALL);
  private static final Pattern GLYPH =
      Pattern.compile(
          "<i class=\"h(\\d) d(\\d)\" data-b=\"([^\"]*)\"(?: data-e=\"(\\d*)\")?"
              + "(?: data-x=\"([0-9a-f]*)\")?>([^<]*)</i>");

  @TempDir Path folder;
  private Path page;
  private String html;
  private JsonNode figures;

  @BeforeEach
  void writeAndRead() throws IOException {
    page = folder.resolve("some").resolve("report.html");
    ReportFiles.write(page, Sketches.run(), Sketches.gallery(), Sketches.curve());
    html = Files.readString(page);
    figures = new JsonMapper().readTree(Files.readString(ReportFiles.figuresOf(page)));
  }

  @Test
  void everyFigureOfThePageStandsInTheJsonWithTheSameValue() {
    Set<String> seen = new TreeSet<>();
    Matcher figure = FIGURE.matcher(html);
    while (figure.find()) {
      String at = unescape(figure.group(2));
      JsonNode node = figures.at(at);
      assertTrue(node.isValueNode(), at + " is not in the JSON");
      assertEquals(node.asString(), unescape(figure.group(1)), at);
      assertShows(node, unescape(figure.group(3)), at);
      seen.add(at);
    }
    assertEquals(1, figures.at("/format").asInt());
    for (String part : List.of("totals", "latency", "exits", "load", "agreement", "curve")) {
      for (String at : leaves(figures.get(part), "/" + part)) {
        boolean tells = !at.matches(".*/(shift|seconds|drawn)|/curve/bytes");
        assertEquals(tells, seen.contains(at), at);
      }
    }
  }

  private static void assertShows(JsonNode node, String shown, String at) {
    if (!node.isNumber()) {
      assertEquals(node.asString(), shown, at);
      return;
    }
    String digits = shown.replace(",", "").replace(" %", "");
    int point = digits.indexOf('.');
    double half = 0.5 * Math.pow(10, point < 0 ? 0 : point + 1 - digits.length()) + 1e-9;
    double value = node.asDouble() * (shown.endsWith("%") ? 100 : 1);
    assertEquals(value, Double.parseDouble(digits), half, at);
  }

  private static List<String> leaves(JsonNode node, String at) {
    List<String> leaves = new ArrayList<>();
    if (node.isValueNode()) {
      return List.of(at);
    }
    if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        leaves.addAll(leaves(node.get(i), at + "/" + i));
      }
    } else {
      node.propertyNames().forEach(name -> leaves.addAll(leaves(node.get(name), at + "/" + name)));
    }
    return leaves;
  }

  @Test
  void theChartsSayWhatTheJsonSays() {
    List<String> charts = new ArrayList<>();
    Matcher svg = Pattern.compile("<svg.*?</svg>", Pattern.DOTALL).matcher(html);
    while (svg.find()) {
      charts.add(svg.group());
    }
    assertEquals(4, charts.size());
    for (JsonNode exit : figures.at("/exits")) {
      String share = String.format(Locale.ROOT, "%.1f %%", 100 * exit.get("share").asDouble());
      assertTrue(charts.get(0).contains(">" + share + "<"), share);
    }
    List<String> tiles = texts(charts.get(2));
    for (JsonNode block : figures.at("/load")) {
      for (JsonNode share : block.get("shares")) {
        String percent = String.format(Locale.ROOT, "%.0f", 100 * share.asDouble());
        assertTrue(tiles.remove(percent), percent + " is not among the tiles");
      }
    }
    assertEquals(
        2 * figures.at("/curve/points").size() + 2, charts.get(3).split("<circle").length - 1);
  }

  private static List<String> texts(String svg) {
    List<String> texts = new ArrayList<>();
    Matcher text = Pattern.compile("<text[^>]*>([^<]*)</text>").matcher(svg);
    while (text.find()) {
      texts.add(text.group(1));
    }
    return texts;
  }

  @Test
  void bytesBitsAndExitsOfEachLineCanBeReadBackFromThePage() {
    Gallery gallery = Sketches.gallery();
    List<ByteLine> lines = new ArrayList<>(gallery.odd());
    lines.addAll(gallery.ordinary());
    Matcher article = LINE.matcher(html);
    int read = 0;
    while (article.find()) {
      assertReadBack(lines.get(read++), figures.at(article.group(1)), article.group(2));
    }
    assertEquals(lines.size(), read);
    assertTrue(read > Sketches.HOSTILE.size() + Gallery.MOST_ORDINARY);
  }

  private static void assertReadBack(ByteLine line, JsonNode json, String glyphs) {
    int shown = Math.min(line.bytes(), Figures.MOST_BYTES);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    List<String> bits = new ArrayList<>();
    StringBuilder exits = new StringBuilder();
    Matcher glyph = GLYPH.matcher(glyphs);
    int end = 0;
    while (glyph.find()) {
      assertEquals(end, glyph.start(), "something else stands between the glyphs");
      end = glyph.end();
      List<String> own = List.of(glyph.group(3).split(" "));
      bits.addAll(own);
      exits.append(glyph.group(4) == null ? glyph.group(2).repeat(own.size()) : glyph.group(4));
      bytes.writeBytes(
          glyph.group(5) == null
              ? Sketches.utf8(unescape(glyph.group(6)))
              : HexFormat.of().parseHex(glyph.group(5)));
      double sum = own.stream().mapToDouble(Double::parseDouble).sum();
      assertEquals(Heat.step(sum), Integer.parseInt(glyph.group(1)), "step of " + sum);
    }
    assertEquals(glyphs.length(), end);
    assertArrayEquals(java.util.Arrays.copyOf(line.text(), shown), bytes.toByteArray());
    assertEquals(HexFormat.of().formatHex(bytes.toByteArray()), json.get("text").asString());
    assertEquals(json.get("exits").asString(), exits.toString());
    assertEquals(shown, bits.size());
    for (int i = 0; i < shown; i++) {
      assertEquals(line.bits()[i], Double.parseDouble(bits.get(i)), 0.00501);
      assertEquals(json.get("bits").get(i).asDouble(), Double.parseDouble(bits.get(i)));
      assertEquals(line.exits()[i], exits.charAt(i) - '0');
    }
  }

  @Test
  void thePageLoadsNothingAndForbidsIt() {
    for (String never :
        List.of(
            "src\\s*=",
            "href\\s*=",
            "@import",
            "https?:",
            "url\\((?!#)",
            "\\bon\\w+\\s*=\\s*[\"']")) {
      assertFalse(Pattern.compile(never).matcher(html).find(), never + " is in the page");
    }
    assertTrue(html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
  }

  @Test
  void hostileTextStaysText() {
    Set<String> tags = new TreeSet<>();
    Matcher tag = Pattern.compile("<[/!]?([A-Za-z][A-Za-z0-9]*)").matcher(html);
    while (tag.find()) {
      tags.add(tag.group(1).toLowerCase(Locale.ROOT));
    }
    tags.removeAll(Set.of("doctype", "html", "head", "meta", "title", "style", "body", "main"));
    tags.removeAll(Set.of("header", "section", "article", "div", "span", "h1", "h2", "h3", "p"));
    tags.removeAll(Set.of("b", "i", "small", "data", "details", "summary", "figure"));
    tags.removeAll(Set.of("figcaption", "table", "tr", "th", "td", "svg", "g", "path", "line"));
    tags.removeAll(Set.of("rect", "circle", "text", "defs", "clippath"));
    assertEquals(Set.of(), tags);
    assertTrue(html.contains("&lt;b onload=x&gt;\\x1b[1m&#39;&quot;.java"), "the source is shown");
    assertTrue(html.codePoints().noneMatch(c -> Character.isISOControl(c) && c != '\n'));
    assertTrue(html.codePoints().noneMatch(c -> Character.getType(c) == Character.FORMAT));
    assertEquals(1, html.split("</style>", -1).length - 1);
  }

  @Test
  void thePageSaysHowManyFlaggedLinesItLeavesOut() throws IOException {
    Gallery gallery = new Gallery(3);
    for (int i = 1; i <= Gallery.MOST_FLAGGED + 17; i++) {
      gallery.add(Sketches.line("a", i, Sketches.utf8("odd line " + i)), true);
    }
    ReportFiles.write(page, Sketches.run(), gallery, Sketches.curve());
    html = Files.readString(page);
    assertTrue(html.contains("<data value=\"17\" data-at=\"/odd/leftOut\">17</data>"));
    assertEquals(Gallery.MOST_FLAGGED, html.split("<article").length - 1);
    assertTrue(html.contains("170 more"), "the rest is folded");
  }

  @Test
  void aReportReplacesTheOneBeforeAndLeavesNoPartBehind() throws IOException {
    ReportFiles.write(page, Sketches.run(), Sketches.gallery(), Sketches.curve());
    assertEquals(html, Files.readString(page), "the same run gives the same page");
    try (Stream<Path> files = Files.list(page.getParent())) {
      assertEquals(
          List.of("report.html", "report.json"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void whatWasNotMeasuredIsNotDrawn() throws IOException {
    Run.Curve none = new Run.Curve(0, 400, 0, 0, List.of());
    ReportFiles.write(page, Sketches.run(), new Gallery(3), none);
    html = Files.readString(page);
    assertFalse(html.contains("/curve/"));
    assertEquals(2, html.split("<svg").length - 1);
    assertTrue(html.contains("No line was flagged"));
  }

  private static String unescape(String text) {
    return text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
  }
}
