package anabranch.engine.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/** Counts numbers by fixed bounds. Thread-safe. */
final class Buckets {
  private static final double[] SECONDS = {
    1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30
  };
  private static final double[] ROWS = {1, 4, 16, 64, 256, 1024, 4096, 16384};
  private static final double[] SHARES =
      IntStream.rangeClosed(1, 10).mapToDouble(tenth -> tenth / 10.0).toArray();

  private final double[] bounds;
  private final LongAdder[] counts;
  private final DoubleAdder total = new DoubleAdder();

  private Buckets(double[] bounds) {
    this.bounds = bounds;
    counts = new LongAdder[bounds.length + 1];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = new LongAdder();
    }
  }

  static Buckets ofSeconds() {
    return new Buckets(SECONDS);
  }

  static Buckets ofRows() {
    return new Buckets(ROWS);
  }

  static Buckets ofShares() {
    return new Buckets(SHARES);
  }

  void add(double number) {
    int i = 0;
    while (i < bounds.length && number > bounds[i]) {
      i++;
    }
    counts[i].increment();
    total.add(number);
  }

  /** Returns how many bounds there are; behind them is one more bucket. */
  int size() {
    return bounds.length;
  }

  double bound(int i) {
    return bounds[i];
  }

  double total() {
    return total.sum();
  }

  long count() {
    return upTo(bounds.length);
  }

  /** Returns how many numbers are in a bucket or one below it. */
  long upTo(int bucket) {
    long sum = 0;
    for (int i = 0; i <= bucket; i++) {
      sum += counts[i].sum();
    }
    return sum;
  }

  Snapshot.Distribution snapshot() {
    List<Double> limits = new ArrayList<>();
    List<Long> numbers = new ArrayList<>();
    for (int i = 0; i < counts.length; i++) {
      if (i < bounds.length) {
        limits.add(bounds[i]);
      }
      numbers.add(counts[i].sum());
    }
    return new Snapshot.Distribution(limits, numbers, total());
  }
}
