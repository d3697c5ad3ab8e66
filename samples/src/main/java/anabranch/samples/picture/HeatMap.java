package anabranch.samples.picture;

import anabranch.samples.text.Glyph;
import java.util.HexFormat;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * One line of text as HTML: each character on the colour of its bits, above its depth. Stateless.
 */
final class HeatMap {
  private HeatMap() {}

  /** Appends the line that stands at {@code pointer} in the tree. */
  static void line(Markup out, JsonNode root, String pointer) {
    JsonNode line = root.at(pointer);
    byte[] bytes = HexFormat.of().parseHex(line.get("text").asString());
    String exits = line.get("exits").asString();
    out.raw("<article class=\"line\" data-line=\"" + pointer + "\"><header><span class=\"where\">");
    out.text(Glyph.harmless(line.get("source").asString())).raw(":");
    out.figure(pointer + "/number", "%.0f").raw("</span> <b>");
    out.figure(pointer + "/bitsPerByte", "%.2f").raw("</b> bits per byte</header><p>");
    for (Glyph glyph : Glyph.of(bytes)) {
      glyph(out, line.get("bits"), exits, bytes, glyph);
    }
    out.raw("</p>");
    if (line.get("bytes").asInt() > bytes.length) {
      out.raw("<small>the first " + bytes.length + " of ").count(pointer + "/bytes");
      out.raw(" bytes</small>");
    }
    out.raw("</article>\n");
  }

  private static void glyph(Markup out, JsonNode bits, String exits, byte[] bytes, Glyph glyph) {
    StringBuilder each = new StringBuilder();
    double sum = 0;
    int deepest = 0;
    for (int i = glyph.from(); i < glyph.to(); i++) {
      double one = bits.get(i).asDouble();
      sum += one;
      deepest = Math.max(deepest, exits.charAt(i) - '0');
      each.append(each.isEmpty() ? "" : " ").append(String.format(Locale.ROOT, "%.2f", one));
    }
    String own = exits.substring(glyph.from(), glyph.to());
    out.raw("<i class=\"h" + Heat.step(sum) + " d" + deepest + "\" data-b=\"" + each + "\"");
    if (own.chars().distinct().count() > 1) {
      out.raw(" data-e=\"" + own + "\"");
    }
    if (!glyph.literal()) {
      out.raw(" data-x=\"" + HexFormat.of().formatHex(bytes, glyph.from(), glyph.to()) + "\"");
    }
    out.raw(">").text(glyph.shown()).raw("</i>");
  }
}
