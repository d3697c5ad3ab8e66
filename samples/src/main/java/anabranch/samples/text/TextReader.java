package anabranch.samples.text;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.core.io.InputStatus;
import org.jspecify.annotations.Nullable;

/**
 * Reads one text after the other, asking for the next when it is through; a text may be empty.
 * Confined to the task's thread.
 */
final class TextReader implements SourceReader<Line, TextSplit> {
  private final SourceReaderContext context;
  private final Deque<TextSplit> waiting = new ArrayDeque<>();
  private CompletableFuture<Void> available = new CompletableFuture<>();
  private @Nullable LineIterator lines;
  private boolean noMore;

  TextReader(SourceReaderContext context) {
    this.context = context;
  }

  @Override
  public void start() {
    if (waiting.isEmpty()) {
      context.sendSplitRequest();
    }
  }

  @Override
  public InputStatus pollNext(ReaderOutput<Line> output) {
    if (lines == null && !waiting.isEmpty()) {
      lines = waiting.remove().getIterator();
    }
    if (lines != null && lines.hasNext()) {
      output.collect(lines.next());
      return InputStatus.MORE_AVAILABLE;
    }
    if (lines != null) {
      lines = null;
      if (waiting.isEmpty() && !noMore) {
        context.sendSplitRequest();
      }
    }
    if (!waiting.isEmpty()) {
      return InputStatus.MORE_AVAILABLE;
    }
    if (noMore) {
      return InputStatus.END_OF_INPUT;
    }
    if (available.isDone()) {
      available = new CompletableFuture<>();
    }
    return InputStatus.NOTHING_AVAILABLE;
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    return available;
  }

  @Override
  public void addSplits(List<TextSplit> splits) {
    waiting.addAll(splits);
    available.complete(null);
  }

  @Override
  public void notifyNoMoreSplits() {
    noMore = true;
    available.complete(null);
  }

  @Override
  public List<TextSplit> snapshotState(long checkpointId) {
    List<TextSplit> left = new ArrayList<>();
    if (lines != null) {
      left.add(lines.rest());
    }
    left.addAll(waiting);
    return left;
  }

  @Override
  public void close() throws IOException {
    if (lines != null) {
      lines.close();
    }
  }
}
