package anabranch.engine;

import anabranch.backend.Event;
import anabranch.backend.StateImage;
import anabranch.error.Bounds;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A share in an engine, for one of several who use it: with a bound of its own on what it has
 * accepted and not answered, and a way to hurry that alone.
 *
 * <p>Thread-safe. Made by {@link Engine#lease}. Closing it refuses further items and closes its
 * sequences; what was accepted is still answered. Closing twice is harmless; submitting to a closed
 * lease throws {@link IllegalStateException}.
 */
public final class Lease implements AutoCloseable {
  private final Engine engine;
  private final Desk desk;
  private final int items;

  // Guarded by the desk.
  private final Map<Integer, Integer> open = new TreeMap<>();
  private final Map<Integer, CompletableFuture<Void>> drains = new TreeMap<>();
  private int epoch;
  private int accepted;
  private boolean closed;

  Lease(Engine engine, Desk desk, int items) {
    Bounds.atLeast("lease.items", items, 1);
    this.engine = engine;
    this.desk = desk;
    this.items = items;
  }

  /** Accepts an item, waiting while the engine or this lease is full; see {@link Engine#submit}. */
  public CompletableFuture<Inference> submit(Item item) {
    return engine.submit(item, this);
  }

  /** Accepts an item, or returns empty at once if the engine or this lease is full. */
  public Optional<CompletableFuture<Inference>> offer(Item item) {
    return engine.offer(item, this);
  }

  /** Accepts several items in order, as {@link #submit} does each. */
  public List<CompletableFuture<Inference>> submitAll(List<Item> all) {
    List<CompletableFuture<Inference>> answers = new ArrayList<>(all.size());
    for (Item item : all) {
      answers.add(submit(item));
    }
    return answers;
  }

  /**
   * Returns a new sequence; see {@link Sequence}.
   *
   * @param id names it in answers and errors, and is its key where the model draws by keys
   * @throws anabranch.error.DescriptionException if attention of the model reaches later rows, or
   *     some head of it reads all rows of an item side by side
   */
  public Sequence begin(String id) {
    return begin(id, null);
  }

  /** Returns a new sequence whose rows may read what an encoder makes of an event. */
  public Sequence begin(String id, @Nullable Event source) {
    return engine.begin(id, source, null, this);
  }

  /**
   * Returns a sequence as it was when an image of it was made.
   *
   * @param image a complete one
   * @throws IllegalArgumentException if it is not complete, or of another signature, naming both
   */
  public Sequence resume(String id, StateImage image) {
    return engine.begin(id, null, image, this);
  }

  /**
   * Makes all items urgent that were accepted before this call; completes when they are answered.
   * The items of others go on beside them.
   */
  public CompletableFuture<Void> drain() {
    return desk.drain(this);
  }

  /**
   * Completes once this lease and its engine have room for an item, at once if they do now: for
   * whoever was refused by {@link #offer} and has something else to do meanwhile. Others may take
   * the room first, so offer again. Completes also when either is closed. On a thread of the engine
   * or of whoever makes room: whoever continues there should be quick.
   */
  public CompletableFuture<Void> room() {
    return desk.room(this);
  }

  /** Returns how many items are accepted and not answered. */
  public int accepted() {
    return desk.within(() -> accepted);
  }

  @Override
  public void close() {
    desk.close(this);
  }

  // What follows is called by the desk, which is held.

  boolean isFull() {
    return accepted >= items;
  }

  /** Counts an item; returns how often the lease was drained before. */
  int accept() {
    if (closed) {
      throw new IllegalStateException("the lease is closed");
    }
    accepted++;
    open.merge(epoch, 1, Integer::sum);
    return epoch;
  }

  boolean isClosed() {
    return closed;
  }

  /** Refuses further items. */
  void refuse() {
    closed = true;
  }

  boolean drains(int accepting) {
    return accepting < epoch;
  }

  /** Returns what completes when everything accepted so far is answered. */
  CompletableFuture<Void> drained() {
    if (open.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    epoch++;
    return drains.computeIfAbsent(epoch, number -> new CompletableFuture<>());
  }

  /** An item is answered; returns whether somebody may have waited for that. */
  boolean end(int accepting, List<Runnable> outside) {
    boolean full = isFull();
    accepted--;
    open.merge(accepting, -1, (count, one) -> count + one == 0 ? null : count + one);
    int first = open.keySet().stream().findFirst().orElse(Integer.MAX_VALUE);
    drains
        .entrySet()
        .removeIf(
            drain -> {
              boolean over = drain.getKey() <= first;
              if (over) {
                outside.add(() -> drain.getValue().complete(null));
              }
              return over;
            });
    return full;
  }
}
