package anabranch.backend;

/**
 * What one sequence keeps between calls. In one call at a time, handed from thread to thread with a
 * happens-before edge. Closing it twice is harmless.
 */
public interface SequenceState extends AutoCloseable {
  /** Returns the bytes held now. */
  long bytes();

  @Override
  void close();
}
