package anabranch.samples.text;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** Reads one text line by line and knows where it stands. Confined to one thread; never rewinds. */
public final class LineIterator implements Iterator<Line>, AutoCloseable {
  private final TextSplit split;
  private TextSplit rest;
  private @Nullable InputStream in;
  private @Nullable Line next;
  private boolean ended;

  LineIterator(TextSplit split) {
    this.split = split;
    this.rest = split;
  }

  @Override
  public boolean hasNext() {
    if (next == null && !ended) {
      try {
        next = read();
      } catch (IOException broken) {
        throw new UncheckedIOException(
            "reading " + split.source() + " at byte " + rest.offset(), broken);
      }
    }
    return next != null;
  }

  @Override
  public Line next() {
    if (!hasNext() || next == null) {
      throw new NoSuchElementException(split.source() + " has no more lines");
    }
    Line line = next;
    next = null;
    rest = rest.after(line);
    return line;
  }

  /** Returns what is left to read after the last line that {@link #next} returned. */
  TextSplit rest() {
    return rest;
  }

  private @Nullable Line read() throws IOException {
    if (rest.nextNumber() > split.lastNumber()) {
      close();
      return null;
    }
    if (in == null) {
      in = open();
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
    int b = -1;
    while (bytes.size() < Line.MOST_BYTES && (b = in.read()) >= 0) {
      bytes.write(b);
      if (b == '\n') {
        break;
      }
    }
    if (bytes.size() == 0) {
      close();
      return null;
    }
    return new Line(split.source(), rest.nextNumber(), bytes.toByteArray());
  }

  /** Closes the text, but never standard input; closing twice is harmless. */
  @Override
  public void close() throws IOException {
    ended = true;
    if (in != null && !split.isStandardInput()) {
      in.close();
    }
  }

  private InputStream open() throws IOException {
    if (split.isStandardInput()) {
      if (split.offset() > 0) {
        throw new IOException("standard input cannot be read a second time");
      }
      return new BufferedInputStream(System.in, 1 << 16);
    }
    InputStream opened =
        new BufferedInputStream(Files.newInputStream(Path.of(split.source())), 1 << 16);
    opened.skipNBytes(split.offset());
    return opened;
  }
}
