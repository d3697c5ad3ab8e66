package anabranch.benchmarks.job;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.core.io.InputStatus;

/** Numbers from 0 on, as many as a {@link Course} lets through. */
final class GatedNumbers extends NumberSequenceSource {
  private static final long serialVersionUID = 1L;

  private final String course;

  GatedNumbers(String course) {
    super(0, Long.MAX_VALUE - 1);
    this.course = course;
  }

  @Override
  public SourceReader<Long, NumberSequenceSplit> createReader(SourceReaderContext context) {
    return new Reader(super.createReader(context), Course.named(course));
  }

  /** Confined to the source's thread. */
  private static final class Reader implements SourceReader<Long, NumberSequenceSplit> {
    private final SourceReader<Long, NumberSequenceSplit> numbers;
    private final Course course;
    private boolean hasSplit;
    private long emitted;
    private long released;

    Reader(SourceReader<Long, NumberSequenceSplit> numbers, Course course) {
      this.numbers = numbers;
      this.course = course;
    }

    @Override
    public void start() {
      numbers.start();
    }

    @Override
    public InputStatus pollNext(ReaderOutput<Long> output) throws Exception {
      if (hasSplit && emitted == released) {
        released = course.released();
        if (emitted == released) {
          return InputStatus.NOTHING_AVAILABLE;
        }
      }
      InputStatus status = numbers.pollNext(output);
      if (status == InputStatus.MORE_AVAILABLE) {
        emitted += hasSplit ? 1 : 0;
      }
      return status;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return hasSplit ? course.stop(emitted) : numbers.isAvailable();
    }

    @Override
    public List<NumberSequenceSplit> snapshotState(long checkpoint) {
      List<NumberSequenceSplit> splits = numbers.snapshotState(checkpoint);
      course.barrier();
      return splits;
    }

    @Override
    public void addSplits(List<NumberSequenceSplit> splits) {
      numbers.addSplits(splits);
      hasSplit = true;
    }

    @Override
    public void notifyNoMoreSplits() {
      numbers.notifyNoMoreSplits();
    }

    @Override
    public void close() throws Exception {
      numbers.close();
    }
  }
}
