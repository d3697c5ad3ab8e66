package anabranch.samples.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What is shown for one character of a text: itself where that is harmless, otherwise an escape
 * such as {@code \x1b}, so that no byte of a text can steer a terminal, hide, or join its
 * neighbours. Immutable; any thread.
 *
 * @param from the first of its bytes
 * @param to the byte behind its last one
 * @param shown the character or its escape; never empty, nothing in it controls anything
 * @param literal whether {@code shown} is the character itself, so that its UTF-8 gives the bytes
 * @param columns how many columns of a terminal {@code shown} takes
 */
public record Glyph(int from, int to, String shown, boolean literal, int columns) {
  /** Returns the glyphs of some bytes, in order; bytes that are no UTF-8 have one each. */
  public static List<Glyph> of(byte[] bytes) {
    List<Glyph> glyphs = new ArrayList<>(bytes.length);
    for (int at = 0; at < bytes.length; ) {
      Glyph glyph = at(bytes, at);
      glyphs.add(glyph);
      at = glyph.to;
    }
    return glyphs;
  }

  /** Returns a text with every character that is not harmless escaped. */
  public static String harmless(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(c -> out.append(harmless(c) ? Character.toString(c) : escape(c)));
    return out.toString();
  }

  /** Returns this glyph with its character escaped. */
  public Glyph escaped() {
    if (!literal) {
      return this;
    }
    String escape = escape(shown.codePointAt(0));
    return new Glyph(from, to, escape, false, escape.length());
  }

  private static Glyph at(byte[] bytes, int at) {
    int length = length(bytes[at]);
    if (at + length <= bytes.length) {
      String text = new String(bytes, at, length, StandardCharsets.UTF_8);
      byte[] again = text.getBytes(StandardCharsets.UTF_8);
      if (Arrays.equals(again, 0, again.length, bytes, at, at + length)) {
        int c = text.codePointAt(0);
        String shown = harmless(c) ? text : escape(c);
        return new Glyph(
            at, at + length, shown, harmless(c), harmless(c) ? columns(c) : shown.length());
      }
    }
    String shown = String.format(Locale.ROOT, "\\x%02x", bytes[at] & 0xff);
    return new Glyph(at, at + 1, shown, false, shown.length());
  }

  private static int length(byte first) {
    int ones = Integer.numberOfLeadingZeros(~(first << 24));
    return ones >= 2 && ones <= 4 ? ones : 1;
  }

  private static boolean harmless(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.COMBINING_SPACING_MARK ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  private static String escape(int c) {
    return switch (c) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default -> String.format(Locale.ROOT, c < 0x80 ? "\\x%02x" : "\\u{%x}", c);
    };
  }

  /** The blocks whose characters terminals draw two columns wide. */
  private static int columns(int c) {
    boolean wide =
        (c >= 0x1100 && c <= 0x115f)
            || (c >= 0x2e80 && c <= 0xa4cf)
            || (c >= 0xac00 && c <= 0xd7a3)
            || (c >= 0xf900 && c <= 0xfaff)
            || (c >= 0xfe30 && c <= 0xfe6f)
            || (c >= 0xff00 && c <= 0xff60)
            || (c >= 0xffe0 && c <= 0xffe6)
            || (c >= 0x1f300 && c <= 0x1faff)
            || (c >= 0x20000 && c <= 0x3fffd);
    return wide ? 2 : 1;
  }
}
