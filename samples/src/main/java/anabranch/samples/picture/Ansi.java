package anabranch.samples.picture;

import anabranch.samples.text.Glyph;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.util.List;

/**
 * Lines of text in a terminal: each character on the colour of its bits, and beneath it how many
 * blocks it ran. Uses the 256 colours that terminals share, always with foreground and background
 * together, so that it reads on dark and on light. Stateless.
 */
public final class Ansi {
  /** Background and foreground for the steps of {@link Heat}; the first one has none. */
  private static final int[][] COLOURS = {
    {}, {224, 16}, {217, 16}, {210, 16}, {203, 16}, {196, 16}, {160, 231}, {124, 231}, {88, 231}
  };

  /** Grey for bytes that left first, nothing, bold for those that ran deepest. */
  private static final String[] DEPTHS = {"\u001b[38;5;244m", "", "\u001b[1m"};

  private static final String PLAIN = "\u001b[0m";
  private static final int MOST_ROWS = 4;

  private Ansi() {}

  /** Returns what the colours mean, in one row. */
  public static String legend(List<Integer> after) {
    StringBuilder out = new StringBuilder("bits of a character ");
    for (int step = 0; step < Heat.STEPS; step++) {
      out.append(colour(step)).append(String.format(" %s ", edge(step)));
      out.append(step == 0 ? "" : PLAIN);
    }
    out.append("  blocks it ran ");
    for (int stage = 0; stage < after.size(); stage++) {
      out.append(DEPTHS[stage]).append(after.get(stage)).append(PLAIN).append(' ');
    }
    return out.append('\n').toString();
  }

  /**
   * Returns a line as pairs of rows, its text and its depth, at most four pairs.
   *
   * @param after how many blocks lie before each exit, as digits
   * @param columns how wide a row may be, at least 20
   * @param charset what the terminal reads; characters it lacks are escaped
   */
  public static String of(ByteLine line, List<Integer> after, int columns, Charset charset) {
    CharsetEncoder encoder = charset.newEncoder();
    StringBuilder out = new StringBuilder();
    StringBuilder text = new StringBuilder();
    StringBuilder depth = new StringBuilder();
    int column = 0;
    int rows = 0;
    for (Glyph any : Glyph.of(line.text())) {
      Glyph glyph = encoder.canEncode(any.shown()) ? any : any.escaped();
      if (column + glyph.columns() > columns) {
        flush(out, text, depth);
        column = 0;
        if (++rows == MOST_ROWS) {
          int left = line.bytes() - glyph.from();
          return out.append("  (").append(left).append(" more bytes)\n").toString();
        }
      }
      column += glyph.columns();
      int step = Heat.step(line.bits(glyph.from(), glyph.to()));
      text.append(colour(step)).append(glyph.shown()).append(step == 0 ? "" : PLAIN);
      int stage = line.deepest(glyph.from(), glyph.to());
      depth.append(DEPTHS[stage]).append(after.get(stage)).append(PLAIN);
      depth.append(" ".repeat(glyph.columns() - 1));
    }
    flush(out, text, depth);
    return out.toString();
  }

  private static void flush(StringBuilder out, StringBuilder text, StringBuilder depth) {
    out.append("  ").append(text).append("\n  ").append(depth).append('\n');
    text.setLength(0);
    depth.setLength(0);
  }

  private static String colour(int step) {
    return step == 0 ? "" : "\u001b[48;5;" + COLOURS[step][0] + ";38;5;" + COLOURS[step][1] + "m";
  }

  private static String edge(int step) {
    double from = Heat.from(step);
    return from == Math.rint(from) ? Integer.toString((int) from) : Double.toString(from);
  }
}
