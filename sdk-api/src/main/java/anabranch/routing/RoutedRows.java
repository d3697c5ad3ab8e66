package anabranch.routing;

import org.jspecify.annotations.Nullable;

/**
 * Who the rows of a call are, for decisions that need more than logits: which of them take part,
 * which event brought them, and what is known of them beforehand. Asked on the thread that decides.
 */
public interface RoutedRows {
  /** Returns the number of rows of the call. */
  int size();

  /** Returns whether a row takes part: it is neither frozen nor skipped by something around. */
  boolean live(int row);

  /**
   * Returns the number of the span a row belongs to, in {@code 0..spans-1}; the rows of a span are
   * neighbours, by ascending position, and spans follow each other.
   */
  int span(int row);

  /** Returns the number of spans. */
  int spans();

  /** Returns the first position of the event that brought a span: 0 where an item begins. */
  int firstPosition(int span);

  /** Returns the position of a row in its sequence. */
  int position(int row);

  /** Returns the token id of a row; asked only for routers that read it. */
  int token(int row);

  /** Returns the key of the item that a row belongs to; asked only for routers that read it. */
  long key(int row);

  /**
   * Returns what an earlier event of the span's sequence decided for good: the gate of the single
   * member, or NaN where it does not run; null where nothing was decided yet. Asked only for
   * routers that read the mean of a prompt; {@link Assignment#kept} says what to keep.
   */
  @Nullable Float kept(int span);
}
