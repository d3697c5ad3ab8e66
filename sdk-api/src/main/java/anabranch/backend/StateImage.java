package anabranch.backend;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The state of one sequence outside of the model that runs it: numbered pages of bytes, in little
 * endian order. An id is stable for the life of the sequence; a page's content belongs to the
 * backend. Immutable; any thread.
 *
 * @param signature what the pages fit: the model, its weights' shapes, the backend and its number
 *     type; equal exactly when a restore may succeed
 * @param version grows with each image of one sequence
 * @param complete whether all pages are here; else those changed since the version asked for
 * @param pages read-only copies, by id
 * @param dropped ids of pages that earlier images may have and that are needed no longer
 */
public record StateImage(
    String signature,
    long version,
    boolean complete,
    Map<Integer, ByteBuffer> pages,
    Set<Integer> dropped) {
  /** Copies the map and makes the pages read-only. */
  public StateImage {
    Map<Integer, ByteBuffer> copy = new TreeMap<>();
    pages.forEach((id, page) -> copy.put(id, page.asReadOnlyBuffer()));
    pages = Map.copyOf(copy);
    dropped = Set.copyOf(dropped);
  }

  /** Returns the bytes of all pages. */
  public long bytes() {
    return pages.values().stream().mapToLong(ByteBuffer::remaining).sum();
  }

  /**
   * Returns this image with the changes of a later one of the same sequence: complete if this is.
   *
   * @throws IllegalArgumentException if the signatures differ or the other is not later
   */
  public StateImage with(StateImage later) {
    if (!later.signature.equals(signature) || later.version < version) {
      throw new IllegalArgumentException(
          "an image of \""
              + later.signature
              + "\" at version "
              + later.version
              + " does not continue \""
              + signature
              + "\" at version "
              + version);
    }
    if (later.complete) {
      return later;
    }
    Map<Integer, ByteBuffer> all = new TreeMap<>(pages);
    later.dropped.forEach(all::remove);
    all.putAll(later.pages);
    return new StateImage(signature, later.version, complete, all, Set.of());
  }
}
