package anabranch.samples.text;

import java.nio.charset.StandardCharsets;

/**
 * One line of a text, or one part of a very long line.
 *
 * @param source the file it comes from, or {@code "-"} for standard input
 * @param number its number there, from 1
 * @param bytes its bytes as they stand there, the line feed included where there is one; at most
 *     {@link #MOST_BYTES}: longer lines come in parts with the same number, so that no byte is lost
 */
public record Line(String source, long number, byte[] bytes) {
  /** The most bytes of one part. */
  public static final int MOST_BYTES = 8192;

  /** Returns whether there is nothing but white space in it. */
  public boolean blank() {
    for (byte b : bytes) {
      if (b != ' ' && b != '\t' && b != '\r' && b != '\n') {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the text without its line feed, as UTF-8, cut to {@code most} characters for show; what
   * could steer a terminal is escaped.
   */
  public String shown(int most) {
    String text = new String(bytes, StandardCharsets.UTF_8).stripTrailing().replace('\t', ' ');
    String harmless = Glyph.harmless(text.length() <= most ? text : text.substring(0, most));
    return text.length() <= most && harmless.length() <= most
        ? harmless
        : harmless.substring(0, most - 1) + "…";
  }
}
