package anabranch.benchmarks.job;

import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/** Tells a {@link Course} each result. */
final class CountingSink implements Sink<Long> {
  private static final long serialVersionUID = 1L;

  private final String course;

  CountingSink(String course) {
    this.course = course;
  }

  @Override
  public SinkWriter<Long> createWriter(WriterInitContext context) {
    Course told = Course.named(course);
    return new SinkWriter<>() {
      @Override
      public void write(Long result, Context around) {
        told.saw(result);
      }

      @Override
      public void flush(boolean endOfInput) {}

      @Override
      public void close() {}
    };
  }
}
