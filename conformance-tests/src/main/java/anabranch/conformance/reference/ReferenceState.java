package anabranch.conformance.reference;

import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import anabranch.conformance.reference.pass.Memory;
import anabranch.error.Bounds;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;

/**
 * What one sequence keeps. Written only by {@link #publish}, so that a call that throws leaves no
 * trace; writing a position again replaces it.
 */
final class ReferenceState implements SequenceState {
  private final String signature;
  private final Memory memory;
  private final Pages pages;
  private int length;
  private boolean closed;

  ReferenceState(String signature, Memory memory) {
    this(signature, memory, new Pages(), 0);
    pages.rows(memory);
    pages.length();
  }

  private ReferenceState(String signature, Memory memory, Pages pages, int length) {
    this.signature = signature;
    this.memory = memory;
    this.pages = pages;
    this.length = length;
  }

  /** Returns a memory that begins as this state and writes to itself. */
  Memory draft() {
    requireOpen();
    return memory.draft();
  }

  /** Rule S3: takes over what a call wrote to a draft, when all of it has succeeded. */
  void publish(Memory draft, Rows rows) {
    memory.publish(draft);
    pages.written(draft);
    pages.forget(draft, memory);
    int next = rows.size() == 0 ? 0 : rows.position(rows.size() - 1) + 1;
    if (next > length) {
      length = next;
      pages.length();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the state is closed");
    }
  }

  @Override
  public int length() {
    return length;
  }

  @Override
  public long bytes() {
    return closed ? 0 : memory.bytes();
  }

  @Override
  public SequenceState fork() {
    requireOpen();
    return new ReferenceState(signature, memory.copy(), pages.copy(), length);
  }

  @Override
  public StateImage image(long since) {
    requireOpen();
    boolean complete = since == 0 || pages.forgotten() > since;
    Map<Integer, ByteBuffer> changed = pages.content(memory, length, complete ? 0 : since);
    Set<Integer> dropped = complete ? Set.of() : pages.dropped(since);
    return new StateImage(signature, pages.mark(), complete, changed, dropped);
  }

  static ReferenceState restore(String signature, StateImage image) {
    if (!image.signature().equals(signature)) {
      throw new IllegalArgumentException(
          Bounds.ruled(
              "an image of \"" + image.signature() + "\" does not fit \"" + signature + "\"",
              "S6"));
    }
    if (!image.complete()) {
      throw new IllegalArgumentException(
          "the image of \""
              + image.signature()
              + "\" at version "
              + image.version()
              + " is not complete");
    }
    Pages.Read read = Pages.read(image);
    return new ReferenceState(signature, read.memory(), read.pages(), read.length());
  }

  @Override
  public void close() {
    closed = true;
  }
}
