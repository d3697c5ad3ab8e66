package anabranch.engine;

import anabranch.backend.Event;
import anabranch.backend.StateImage;
import anabranch.engine.EngineListener.Outcome;
import anabranch.error.Bounds;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
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
  private final Deque<Epoch> epochs = new ArrayDeque<>(List.of(new Epoch()));
  private int accepted;

  /** Whether it has items that are not answered, and may bring more now. */
  private boolean talks;

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
    return desk.within(
        () -> {
          CompletableFuture<Void> drained = drained();
          desk.urge(pending -> pending.answer().lease() == this && pending.answer().drains());
          return drained;
        });
  }

  /**
   * Says that nothing more comes from this lease for now, say as it waits for answers: where all
   * who have something to be answered say so, nothing waits for company any more, whatever {@link
   * EngineOptions#linger} says. Whatever is accepted next takes it back.
   */
  public void flush() {
    desk.flush(this);
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
    desk.change(
        outside -> {
          refuse();
          desk.end(sequence -> sequence.lease() == this, outside);
        });
  }

  // What follows is called by the desk, which is held.

  boolean isFull() {
    return accepted >= items;
  }

  /** Counts an item; returns between which drains it was accepted. */
  Epoch accept() {
    if (closed) {
      throw new IllegalStateException("the lease is closed");
    }
    accepted++;
    if (!talks) {
      talks = true;
      desk.talks(true);
    }
    Epoch now = epochs.getLast();
    now.open++;
    return now;
  }

  boolean isClosed() {
    return closed;
  }

  /** Refuses further items. */
  private void refuse() {
    closed = true;
    silence();
  }

  /** Brings nothing for now. */
  void silence() {
    if (talks) {
      talks = false;
      desk.talks(false);
    }
  }

  /** Returns what completes when everything accepted so far is answered. */
  private CompletableFuture<Void> drained() {
    if (accepted == 0) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Void> drained = new CompletableFuture<>();
    epochs.getLast().drained = drained;
    epochs.add(new Epoch());
    return drained;
  }

  /** An item is answered; returns whether somebody may have waited for that. */
  private boolean end(Epoch accepting, List<Runnable> outside) {
    boolean full = isFull();
    accepted--;
    accepting.open--;
    if (accepted == 0) {
      silence();
    }
    CompletableFuture<Void> drained;
    while ((drained = epochs.getFirst().drained) != null && epochs.getFirst().open == 0) {
      epochs.remove();
      CompletableFuture<Void> over = drained;
      outside.add(() -> over.complete(null));
    }
    return full;
  }

  /** What was accepted between two drains. Guarded by the desk. */
  static final class Epoch {
    private int open;
    private @Nullable CompletableFuture<Void> drained;

    /** Returns whether somebody drains it. */
    boolean drains() {
      return drained != null;
    }
  }

  /** The future of one item; whoever completes it takes the item out of its queue. */
  static final class Answer extends CompletableFuture<Inference> {
    private final Desk desk;
    private final Lease lease;
    private final AtomicBoolean over = new AtomicBoolean();
    private String version = "";
    private String policy = "";
    private @Nullable Inference known;
    private @Nullable Epoch epoch;

    Answer(Desk desk, Lease lease) {
      this.desk = desk;
      this.lease = lease;
    }

    /** Returns an answer for which nobody waits, and which counts nowhere. */
    static Answer ofNobody(Desk desk, Lease lease) {
      Answer nobody = new Answer(desk, lease);
      nobody.over.set(true);
      return nobody;
    }

    Lease lease() {
      return lease;
    }

    /** It is an answer of a model under a policy. */
    void of(String version, String policy) {
      this.version = version;
      this.policy = policy;
    }

    /** Returns whether its lease hurries it. */
    boolean drains() {
      return epoch != null && epoch.drains();
    }

    void accepted(Epoch now) {
      epoch = now;
    }

    /** Says what the engine knows, unless somebody was faster. */
    void tell(Throwable failure) {
      if (over.compareAndSet(false, true)) {
        List<Runnable> after = ended(Outcome.FAILED);
        super.completeExceptionally(failure);
        after.forEach(Runnable::run);
      }
    }

    /** Takes what the engine knows, unless somebody was faster; returns whether it did. */
    boolean take(Inference inference) {
      boolean first = over.compareAndSet(false, true);
      known = first ? inference : null;
      return first;
    }

    /** Gives its place back; returns whether somebody may have waited for that. */
    boolean end(List<Runnable> outside) {
      return lease.end(Objects.requireNonNull(epoch), outside);
    }

    /** Tells a listener that it is over. */
    void report(Outcome outcome, EngineListener listener) {
      long flops = known == null ? 0 : known.flops();
      long full = known == null ? 0 : known.fullFlops();
      long nanos = known == null ? 0 : known.nanos();
      listener.completed(version, policy, outcome, flops, full, nanos);
    }

    /** Says what was taken, when its place is free again. */
    void show() {
      super.complete(known);
    }

    @Override
    public boolean complete(Inference value) {
      return end(() -> super.complete(value));
    }

    @Override
    public boolean completeExceptionally(Throwable reason) {
      return end(() -> super.completeExceptionally(reason));
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      return end(() -> super.cancel(mayInterruptIfRunning)) || isCancelled();
    }

    private boolean end(BooleanSupplier completion) {
      if (!over.compareAndSet(false, true)) {
        return false;
      }
      List<Runnable> after = ended(Outcome.CANCELLED);
      boolean completed = completion.getAsBoolean();
      desk.remove(pending -> pending.answer() == this);
      after.forEach(Runnable::run);
      return completed;
    }

    private List<Runnable> ended(Outcome outcome) {
      return epoch == null ? List.of() : desk.ended(List.of(this), outcome);
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
      return new CompletableFuture<>();
    }
  }
}
