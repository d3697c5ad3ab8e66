package anabranch.benchmarks.layer;

/**
 * One way to compute a routed layer for some rows, prepared so that {@link #run} does nothing else.
 * Confined to one thread.
 */
interface Way extends AutoCloseable {
  /** Computes the layer. */
  void run();

  /** Returns what the last run left, row after row. */
  float[] result();

  @Override
  void close();
}
