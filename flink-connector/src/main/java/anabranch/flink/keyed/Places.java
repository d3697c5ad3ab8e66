package anabranch.flink.keyed;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Records and control elements in the order of their arrival, which is that of their emission.
 * Confined to the task's thread.
 */
final class Places {
  /** Something that keeps its place in a stream until it is emitted. */
  interface Place {
    /** Returns whether all that belongs here is known. */
    boolean isDone();

    /** Hands everything that belongs here to the output. */
    void emit() throws Exception;

    /** Gives up: nobody waits for it any more. */
    default void cancel() {}
  }

  /** Emits a control element. */
  @FunctionalInterface
  interface Control extends Place {
    @Override
    default boolean isDone() {
      return true;
    }
  }

  private final Deque<Place> places = new ArrayDeque<>();
  private boolean emitting;

  void add(Place place) {
    places.add(place);
  }

  int size() {
    return places.size();
  }

  boolean isEmpty() {
    return places.isEmpty();
  }

  /** Returns what is emitted next; null if nothing waits. */
  @Nullable Place first() {
    return places.peekFirst();
  }

  /** Emits what may leave; called again from within, leaves that to the call outside. */
  void emitReady() throws Exception {
    if (emitting) {
      return;
    }
    emitting = true;
    try {
      Place first;
      while ((first = places.peekFirst()) != null && first.isDone()) {
        first.emit();
        places.removeFirst();
      }
    } finally {
      emitting = false;
    }
  }

  void cancel() {
    places.forEach(Place::cancel);
    places.clear();
  }
}
