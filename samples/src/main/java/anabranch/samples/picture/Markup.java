package anabranch.samples.picture;

import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * HTML in the making, whose figures come from a JSON tree and say from where. Confined to one
 * thread.
 */
final class Markup {
  private final StringBuilder out = new StringBuilder();
  private final JsonNode root;

  Markup(JsonNode root) {
    this.root = root;
  }

  /** Appends markup as it stands. */
  Markup raw(String markup) {
    out.append(markup);
    return this;
  }

  /** Appends text, with every character escaped that means something in HTML. */
  Markup text(String text) {
    out.append(escape(text));
    return this;
  }

  /** Appends a figure of the tree, formatted. */
  Markup figure(String pointer, String format) {
    return figure(pointer, format, 1);
  }

  /** Appends a share of the tree as a percentage. */
  Markup percent(String pointer) {
    return figure(pointer, "%.1f %%", 100);
  }

  /** Appends a whole number of the tree. */
  Markup count(String pointer) {
    JsonNode node = root.at(pointer);
    return data(pointer, node, String.format(Locale.ROOT, "%,d", node.asLong()));
  }

  /** Appends a word of the tree. */
  Markup word(String pointer) {
    return data(pointer, root.at(pointer), root.at(pointer).asString());
  }

  private Markup figure(String pointer, String format, double scale) {
    JsonNode node = root.at(pointer);
    return data(pointer, node, String.format(Locale.ROOT, format, scale * node.asDouble()));
  }

  private Markup data(String pointer, JsonNode node, String shown) {
    if (!node.isValueNode()) {
      throw new IllegalStateException("no figure at " + pointer);
    }
    out.append("<data value=\"").append(escape(node.asString()));
    out.append("\" data-at=\"").append(pointer).append("\">");
    out.append(escape(shown)).append("</data>");
    return this;
  }

  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }

  @Override
  public String toString() {
    return out.toString();
  }
}
