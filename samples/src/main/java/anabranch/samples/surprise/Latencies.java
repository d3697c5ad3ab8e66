package anabranch.samples.surprise;

/**
 * Counts durations in buckets that are 3 % wide, from a microsecond to hours, in bounded memory.
 * Confined to one thread.
 */
final class Latencies {
  private static final double PER_DOUBLING = 24;

  private final long[] counts = new long[(int) (PER_DOUBLING * 44)];
  private long total;

  void add(long nanos) {
    counts[bucket(nanos)]++;
    total++;
  }

  private int bucket(long nanos) {
    double doublings = Math.log(Math.max(nanos, 1_000) / 1_000.0) / Math.log(2);
    return (int) Math.min(doublings * PER_DOUBLING, counts.length - 1);
  }

  /** Returns the upper edge of the bucket that a share of the durations lies at or below, in ms. */
  double millis(double share) {
    long wanted = (long) Math.ceil(share * total);
    long seen = 0;
    for (int i = 0; i < counts.length; i++) {
      seen += counts[i];
      if (seen >= wanted && seen > 0) {
        return Math.pow(2, (i + 1) / PER_DOUBLING) / 1_000;
      }
    }
    return Double.NaN;
  }
}
