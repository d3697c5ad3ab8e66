package anabranch.samples.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.lib.util.IteratorSourceEnumerator;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimitedSourceReader;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads lines of files, of the files below folders, or of standard input, into a Flink job; files
 * can be resumed at any line. Hidden files and files with a zero byte near their beginning are left
 * out.
 */
public final class TextSource implements Source<Line, TextSplit, Collection<TextSplit>> {
  private static final long serialVersionUID = 1L;
  private static final int LOOKED_AT = 4096;

  private final ArrayList<String> sources;
  private final long mostLines;
  private final @Nullable Double linesPerSecond;

  private TextSource(List<String> sources, long mostLines, @Nullable Double linesPerSecond) {
    this.sources = new ArrayList<>(sources);
    this.mostLines = mostLines;
    this.linesPerSecond = linesPerSecond;
  }

  /**
   * Returns a source of these files, folders or, for {@code "-"}, of standard input.
   *
   * @throws IOException if one does not exist or cannot be read, or if there is no text below them
   */
  public static TextSource of(List<String> places) throws IOException {
    List<String> found = new ArrayList<>();
    for (String place : places) {
      if (place.equals(TextSplit.STANDARD_INPUT)) {
        found.add(place);
      } else if (Files.isDirectory(Path.of(place))) {
        try (Stream<Path> below = Files.walk(Path.of(place))) {
          for (Path file : below.filter(TextSource::visibleFile).sorted().toList()) {
            if (isText(file)) {
              found.add(file.toString());
            }
          }
        }
      } else if (Files.isReadable(Path.of(place))) {
        found.add(place);
      } else {
        throw new IOException("input \"" + place + "\" is not a file or folder that can be read");
      }
    }
    if (found.isEmpty()) {
      throw new IOException("there is no text file in " + places);
    }
    return new TextSource(found.stream().distinct().toList(), Long.MAX_VALUE, null);
  }

  /** Returns the same texts at a limited rate, in lines a second over all readers. */
  public TextSource atRate(double limit) {
    return new TextSource(sources, mostLines, limit);
  }

  /** Returns the same texts, ended behind the given number of lines, at least 1. */
  public TextSource first(long lines) {
    return new TextSource(sources, lines, linesPerSecond);
  }

  /** Returns the files this source reads, {@code "-"} for standard input. */
  public List<String> sources() {
    return List.copyOf(sources);
  }

  /** Returns whether the same lines can be read again. */
  public boolean repeatable() {
    return !sources.contains(TextSplit.STANDARD_INPUT);
  }

  private static boolean visibleFile(Path path) {
    return Files.isRegularFile(path) && !path.getFileName().toString().startsWith(".");
  }

  private static boolean isText(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      for (byte b : in.readNBytes(LOOKED_AT)) {
        if (b == 0) {
          return false;
        }
      }
      return true;
    }
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.BOUNDED;
  }

  @Override
  @SuppressWarnings("unchecked") // The factory of the limiter returns a raw type.
  public SourceReader<Line, TextSplit> createReader(SourceReaderContext context) {
    SourceReader<Line, TextSplit> reader = new TextReader(context);
    if (linesPerSecond == null) {
      return reader;
    }
    RateLimiterStrategy<TextSplit> limit = RateLimiterStrategy.perSecond(linesPerSecond);
    return new RateLimitedSourceReader<>(
        reader, limit.createRateLimiter(context.currentParallelism()));
  }

  @Override
  public SplitEnumerator<TextSplit, Collection<TextSplit>> createEnumerator(
      SplitEnumeratorContext<TextSplit> context) {
    return restoreEnumerator(context, splits());
  }

  /** Returns each text, the last one ended where the limit of lines says. */
  List<TextSplit> splits() {
    List<TextSplit> splits = new ArrayList<>();
    long left = mostLines;
    for (String source : sources) {
      if (left <= 0) {
        break;
      }
      TextSplit split = TextSplit.of(source);
      boolean counted = mostLines < Long.MAX_VALUE && !split.isStandardInput();
      splits.add(split.upTo(left));
      left -= counted ? linesOf(split.upTo(left)) : 0;
    }
    return splits;
  }

  private static long linesOf(TextSplit split) {
    long last = 0;
    for (LineIterator lines = split.getIterator(); lines.hasNext(); ) {
      last = lines.next().number();
    }
    return last;
  }

  @Override
  public SplitEnumerator<TextSplit, Collection<TextSplit>> restoreEnumerator(
      SplitEnumeratorContext<TextSplit> context, Collection<TextSplit> left) {
    return new IteratorSourceEnumerator<>(context, left);
  }

  @Override
  public SimpleVersionedSerializer<TextSplit> getSplitSerializer() {
    return new SplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<Collection<TextSplit>> getEnumeratorCheckpointSerializer() {
    return new SplitsSerializer();
  }
}
