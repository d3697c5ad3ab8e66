package anabranch.backend;

/**
 * What one sequence keeps between calls. In one call at a time, handed from thread to thread with a
 * happens-before edge; a fork may run beside its origin. Closing it twice is harmless.
 */
public interface SequenceState extends AutoCloseable {
  /**
   * Returns the next position: one more than the last that a call published in the first stage of
   * the sequence; 0 if there is none.
   */
  int length();

  /** Returns the bytes held now; what is shared with a fork counts in each. */
  long bytes();

  /**
   * Returns a second continuation of the same sequence, for an audit or a trial. Neither sees what
   * the other does from now on.
   *
   * @throws IllegalStateException if this state is closed
   */
  SequenceState fork();

  /**
   * Returns what changed since an earlier image of this state, as copies that nobody writes again.
   * The caller has run every row that waits: what no stage has seen is in no image. What no later
   * row can read is in none either; an image may be complete where it cannot name all pages that
   * were dropped since.
   *
   * @param since the version of an image this state gave, or was restored from; 0 for everything
   * @throws IllegalStateException if this state is closed
   */
  StateImage image(long since);

  @Override
  void close();
}
