package anabranch.samples.alarm;

import java.util.Locale;

/** What kind of text a file holds, told by the ending of its name. Stateless. */
public final class Kind {
  /** The kind of standard input. */
  public static final String STANDARD_INPUT = "-";

  /** The kind of files whose names have no ending. */
  public static final String NO_ENDING = "no ending";

  private Kind() {}

  /**
   * Returns the kind of a source: the ending of its file name in lower case, such as {@code "java"}
   * or {@code "md"}.
   *
   * @param source a file, or {@code "-"} for standard input
   */
  public static String of(String source) {
    if (source.equals("-")) {
      return STANDARD_INPUT;
    }
    String name = source.substring(Math.max(source.lastIndexOf('/'), source.lastIndexOf('\\')) + 1);
    int dot = name.lastIndexOf('.');
    boolean ending = dot > 0 && dot < name.length() - 1;
    return ending ? name.substring(dot + 1).toLowerCase(Locale.ROOT) : NO_ENDING;
  }
}
