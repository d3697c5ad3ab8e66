package anabranch.backend;

/**
 * Rows between stages, with all that travels with a row. Opaque to the caller, which names a row as
 * (handle, index). Immutable; readable by several calls on any threads; closed once, by the caller.
 */
public interface Activations extends AutoCloseable {
  /** Returns the bytes held until closed: one row in use pins them all. */
  long bytes();

  @Override
  void close();
}
