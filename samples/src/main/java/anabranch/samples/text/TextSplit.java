package anabranch.samples.text;

import org.apache.flink.api.connector.source.lib.util.IteratorSourceSplit;

/**
 * A text that is still to be read, from some byte on. Immutable.
 *
 * @param source the file, or {@code "-"} for standard input
 * @param offset how many bytes were read before
 * @param number the number of the last line that was read, 0 for none
 * @param midLine whether that line goes on
 */
public record TextSplit(String source, long offset, long number, boolean midLine)
    implements IteratorSourceSplit<Line, LineIterator> {
  /** Stands for standard input. */
  public static final String STANDARD_INPUT = "-";

  /** Returns a text from its beginning. */
  public static TextSplit of(String source) {
    return new TextSplit(source, 0, 0, false);
  }

  boolean isStandardInput() {
    return source.equals(STANDARD_INPUT);
  }

  long nextNumber() {
    return midLine ? number : number + 1;
  }

  TextSplit after(Line line) {
    byte[] bytes = line.bytes();
    boolean goesOn = bytes[bytes.length - 1] != '\n';
    return new TextSplit(source, offset + bytes.length, line.number(), goesOn);
  }

  @Override
  public String splitId() {
    return source;
  }

  @Override
  public LineIterator getIterator() {
    return new LineIterator(this);
  }

  @Override
  public TextSplit getUpdatedSplitForIterator(LineIterator iterator) {
    return iterator.rest();
  }
}
