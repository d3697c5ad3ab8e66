package anabranch.samples.text;

import org.apache.flink.api.connector.source.lib.util.IteratorSourceSplit;

/**
 * A text that is still to be read, from some byte on. Immutable.
 *
 * @param source the file, or {@code "-"} for standard input
 * @param offset how many bytes were read before
 * @param number the number of the last line that was read, 0 for none
 * @param midLine whether that line goes on
 * @param lastNumber the number of the last line that is to be read
 */
public record TextSplit(String source, long offset, long number, boolean midLine, long lastNumber)
    implements IteratorSourceSplit<Line, LineIterator> {
  /** Stands for standard input. */
  public static final String STANDARD_INPUT = "-";

  /** Returns a text from its beginning. */
  public static TextSplit of(String source) {
    return new TextSplit(source, 0, 0, false, Long.MAX_VALUE);
  }

  /** Returns the same text up to a line. */
  TextSplit upTo(long line) {
    return new TextSplit(source, offset, number, midLine, line);
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
    return new TextSplit(source, offset + bytes.length, line.number(), goesOn, lastNumber);
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
