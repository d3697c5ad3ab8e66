package anabranch.flink.keyed;

import java.util.function.LongSupplier;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/** What became of the sequences of one subtask, under the group {@code inference / sequences}. */
final class SequenceMetrics {
  final Counter begun;
  final Counter resumed;
  final Counter evicted;
  final Counter ended;
  final Counter expired;
  final Counter broken;
  final Counter duplicates;
  final Counter gaps;
  final Counter pages;
  final Counter pageBytes;

  SequenceMetrics(MetricGroup operator, LongSupplier open, LongSupplier cachedBytes) {
    MetricGroup group = operator.addGroup("inference").addGroup("sequences");
    begun = group.counter("begun");
    resumed = group.counter("resumed");
    evicted = group.counter("evicted");
    ended = group.counter("ended");
    expired = group.counter("expired");
    broken = group.counter("broken");
    duplicates = group.counter("duplicates");
    gaps = group.counter("gaps");
    pages = group.counter("pagesWritten");
    pageBytes = group.counter("pageBytesWritten");
    group.gauge("open", (Gauge<Long>) open::getAsLong);
    group.gauge("cachedBytes", (Gauge<Long>) cachedBytes::getAsLong);
  }
}
