package anabranch.flink.step;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.flink.annotation.Internal;
import org.jspecify.annotations.Nullable;

/**
 * Things in the order in which they were added, each of which can be taken out wherever it stands:
 * they know their neighbours, so that nothing is searched, hashed or allocated. Confined to the
 * task's thread.
 *
 * @param <T> what is held; each is in one chain at most
 */
@Internal
public final class Chain<T extends Chain.Link<T>> implements Iterable<T> {
  private @Nullable T first;
  private @Nullable T last;

  /**
   * What a chain holds.
   *
   * @param <T> itself
   */
  public abstract static class Link<T extends Link<T>> {
    @Nullable Chain<T> chain;
    @Nullable T before;
    @Nullable T behind;
  }

  /** Adds something behind all others, unless it is here. */
  public void add(T link) {
    if (link.chain == this) {
      return;
    } else if (link.chain != null) {
      throw new IllegalStateException("it is in another chain");
    }
    T end = last;
    link.chain = this;
    link.before = end;
    if (end == null) {
      first = link;
    } else {
      end.behind = link;
    }
    last = link;
  }

  /** Takes something out, if it is here. */
  public void remove(T link) {
    if (link.chain != this) {
      return;
    }
    T before = link.before;
    T behind = link.behind;
    if (before == null) {
      first = behind;
    } else {
      before.behind = behind;
    }
    if (behind == null) {
      last = before;
    } else {
      behind.before = before;
    }
    link.chain = null;
    link.before = null;
    link.behind = null;
  }

  /** Returns what was added before all others; null if nothing is here. */
  public @Nullable T first() {
    return first;
  }

  /** Returns whether nothing is here. */
  public boolean isEmpty() {
    return first == null;
  }

  @Override
  public Iterator<T> iterator() {
    return new Iterator<>() {
      private @Nullable T next = first;

      @Override
      public boolean hasNext() {
        return next != null;
      }

      @Override
      public T next() {
        T now = next;
        if (now == null) {
          throw new NoSuchElementException();
        }
        next = now.behind;
        return now;
      }
    };
  }
}
