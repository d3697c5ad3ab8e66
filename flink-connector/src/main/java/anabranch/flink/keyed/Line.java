package anabranch.flink.keyed;

import anabranch.engine.Sequence;
import anabranch.flink.keyed.state.SequenceHeader;
import anabranch.flink.step.Chain;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A key of which records wait or whose sequence is open: at most one record of it runs. Confined to
 * the task's thread.
 */
final class Line<IN> extends Chain.Link<Line<IN>> {
  final Object key;
  final String id;
  final Deque<Turn<IN>> waiting = new ArrayDeque<>();
  @Nullable Turn<IN> running;

  /** Whether the header was read from the state. */
  boolean known;

  /** What is known of the sequence; null if nothing was taken of it yet. */
  @Nullable SequenceHeader header;

  /** Whether there may be something of it in the state. */
  boolean stored = true;

  /** The model of the sequence; null while that is not known or not held. */
  @Nullable HeldModel model;

  /** Null while it is only in the state. */
  @Nullable Sequence sequence;

  /** Whether the state is behind. */
  boolean dirty;

  /** What the sequence counts in the cache. */
  long bytes;

  Line(Object key, String id) {
    this.key = key;
    this.id = id;
  }

  boolean isIdle() {
    return running == null && waiting.isEmpty();
  }

  int length() {
    return header == null ? 0 : header.length();
  }
}
