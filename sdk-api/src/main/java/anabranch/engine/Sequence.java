package anabranch.engine;

import anabranch.backend.Event;
import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import anabranch.engine.rows.Fill;
import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.error.ExecutionException;
import anabranch.model.ModelSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A sequence that goes on: each event brings its next rows, and each is answered as if the whole
 * sequence had come at once. Events of many sequences share batches; those of one run one after the
 * other, in the order of their submission.
 *
 * <p>Rows that left early are still read by later ones. What they owe to the steps behind their
 * exit is filled in beside other batches, or when somebody asks for it with {@link #settle}, {@link
 * #image} or {@link #fork}.
 *
 * <p>An event that fails or is cancelled before its first step ran leaves the sequence as it was.
 * One that does so later breaks it: everything that follows fails, and the way back is an image.
 *
 * <p>Thread-safe. Made by a {@link Lease} or an {@link Engine}; bound to the version of the model
 * that was in service then, which stays loaded until the sequence is closed. Closing twice is
 * harmless; submitting to a closed sequence throws {@link IllegalStateException}.
 */
public final class Sequence implements AutoCloseable {
  private final Desk desk;
  private final Lease lease;
  private final Service service;
  private final String id;

  // Guarded by the desk, but the state: it is handed on with the right to run.
  private final Deque<Task> tasks = new ArrayDeque<>();
  private @Nullable Event source;
  private @Nullable SequenceState state;
  private @Nullable Pending running;
  private @Nullable Pending filler;
  private int fillerStep = -1;
  private boolean filling;
  private List<Fill> fills = List.of();
  private @Nullable Item last;
  private volatile int length;
  private volatile long bytes;
  private boolean calm;
  private @Nullable Throwable broken;
  private boolean closed;

  Sequence(
      Desk desk,
      Lease lease,
      Service service,
      String id,
      @Nullable Event source,
      @Nullable SequenceState state) {
    this.desk = desk;
    this.lease = lease;
    this.service = service;
    this.id = id;
    this.source = source;
    this.state = state;
    length = state == null ? 0 : state.length();
    bytes = state == null ? 0 : state.bytes();
  }

  /** What a sequence does next: an event, or something that wants it settled. */
  private record Task(@Nullable Pending event, @Nullable Settled settled) {}

  /** Something that runs while nothing of the sequence does, and fails if it cannot. */
  private interface Settled {
    void run(@Nullable SequenceState state);

    void fail(Throwable reason);
  }

  /** Returns what names the sequence in answers and errors. */
  public String id() {
    return id;
  }

  /** Returns the version of the model that runs it. */
  public String version() {
    return service.version;
  }

  /** Returns the position of the next row, not counting events that wait or run. */
  public int length() {
    return length;
  }

  /**
   * Returns the bytes that its state held when the last event was over: that is as late as {@link
   * #length} says, which may be a moment behind an answer. What rows owe is not counted.
   */
  public long bytes() {
    return bytes;
  }

  /**
   * Accepts the next rows, waiting while the engine or the lease is full; see {@link
   * Engine#submit}.
   *
   * @param event at position 0, whatever came before: the sequence gives it its place
   */
  public CompletableFuture<Inference> submit(Event event) {
    return submit(Item.of(id, event));
  }

  /**
   * Accepts the next rows with a policy, forced exits or a time of their own; see {@link
   * #submit(Event)}.
   *
   * @param item of which the id is taken in errors only, and the source must be null
   */
  public CompletableFuture<Inference> submit(Item item) {
    Lease.Answer answer = new Lease.Answer(desk, lease);
    Pending pending = service.admission.next(item, id, service, answer, this);
    if (pending != null) {
      desk.put(pending);
    }
    return answer;
  }

  /** Accepts the next rows, or returns empty at once if the engine or the lease is full. */
  public Optional<CompletableFuture<Inference>> offer(Item item) {
    Lease.Answer answer = new Lease.Answer(desk, lease);
    Pending pending = service.admission.next(item, id, service, answer, this);
    boolean taken = pending == null || desk.offer(pending) == Desk.Room.TAKEN;
    return taken ? Optional.of(answer) : Optional.empty();
  }

  /** Runs what earlier rows owe; completes when nothing of the sequence waits any more. */
  public CompletableFuture<Void> settle() {
    return settled(current -> null);
  }

  /**
   * Settles the sequence and returns what changed since an earlier image of it; see {@link
   * SequenceState#image}.
   *
   * @param since the version of that image; 0 for everything
   */
  public CompletableFuture<StateImage> image(long since) {
    return settled(
        current -> {
          if (current == null) {
            throw new IllegalStateException(
                "sequence \"" + id + "\" has no state: nothing of it ran yet");
          }
          return current.image(since);
        });
  }

  /**
   * Settles the sequence and returns a second continuation of it: neither sees what the other does
   * from then on.
   *
   * @param other what names it
   */
  public CompletableFuture<Sequence> fork(String other) {
    return settled(
        current -> {
          SequenceState forked = current == null ? null : current.fork();
          Event unread = forked == null ? source : null;
          Sequence fork = new Sequence(desk, lease, service, other, unread, forked);
          fork.length = length();
          return desk.register(fork);
        });
  }

  private <R extends @Nullable Object> CompletableFuture<R> settled(
      Function<@Nullable SequenceState, R> action) {
    CompletableFuture<R> future = new CompletableFuture<>();
    Settled settled =
        new Settled() {
          @Override
          public void run(@Nullable SequenceState current) {
            try {
              future.complete(action.apply(current));
            } catch (RuntimeException failure) {
              future.completeExceptionally(failure);
            }
          }

          @Override
          public void fail(Throwable reason) {
            future.completeExceptionally(reason);
          }
        };
    change(() -> add(new Task(null, settled)));
    return future;
  }

  /** Lets what runs run, fails what waits, and closes the state of the sequence then. */
  @Override
  public void close() {
    change(() -> closed = true);
  }

  /** Changes what is to be done, and does what can be done next. */
  private void change(Runnable change) {
    desk.change(
        outside -> {
          change.run();
          pump(outside);
        });
  }

  Lease lease() {
    return lease;
  }

  Service service() {
    return service;
  }

  @Nullable SequenceState state() {
    return state;
  }

  void state(SequenceState opened) {
    state = opened;
  }

  // What follows is called by the desk, which is held.

  void add(Pending event) {
    add(new Task(event, null));
  }

  private void add(Task task) {
    requireOpen();
    tasks.add(task);
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("sequence \"" + id + "\" is closed");
    }
  }

  /** Removes the events that wait for those before them and fulfil a condition; returns them. */
  List<Pending> remove(Predicate<Pending> condition) {
    List<Pending> removed = new ArrayList<>();
    for (Task task : tasks) {
      if (task.event != null && condition.test(task.event)) {
        removed.add(task.event);
      }
    }
    tasks.removeIf(task -> task.event != null && removed.contains(task.event));
    return removed;
  }

  /** Nobody submits any more. */
  void end(List<Runnable> outside) {
    closed = true;
    pump(outside);
  }

  /** An event is over, whatever became of it. */
  void over(Pending event) {
    bytes = state == null ? 0 : state.bytes();
    if (event == filler) {
      filled(event);
      return;
    }
    running = null;
    last = event.item();
    length += event.begun() ? event.item().event().rows() : 0;
    source = state == null ? source : null;
    if (event.halfway()) {
      event.fills().forEach(Fill::close);
      broken =
          new ExecutionException(
              id, -1, "an event of the sequence ended between its first and its last step", null);
    } else {
      fills = event.fills();
    }
  }

  private void filled(Pending event) {
    filling = false;
    filler = null;
    fills = event.fills();
    if (event.failure() != null) {
      broken = event.failure();
      fills.forEach(Fill::close);
      fills = List.of();
    }
  }

  /** The fills are in a batch. */
  void filling() {
    filling = true;
    fillerStep = -1;
  }

  /** Does what can be done next, and adds what is to be done when the desk is free. */
  void pump(List<Runnable> outside) {
    while (running == null && !filling && !calm) {
      Throwable reason = closed && tasks.isEmpty() ? null : failure();
      Task next = tasks.peek();
      if (reason != null) {
        fail(reason, outside);
        return;
      } else if (next == null) {
        rest(outside);
        return;
      } else if (next.event != null) {
        tasks.remove();
        begin(next.event, outside);
      } else if (!fills.isEmpty() || filler != null) {
        ride(true);
        return;
      } else if (next.settled != null) {
        tasks.remove();
        calm = true;
        desk.calms(1);
        Settled settled = next.settled;
        outside.add(() -> calmly(settled));
      }
    }
  }

  /** Runs something while nothing else of the sequence does; the desk is free. */
  private void calmly(Settled settled) {
    try {
      settled.run(state);
    } finally {
      change(
          () -> {
            calm = false;
            desk.calms(-1);
          });
    }
  }

  private @Nullable Throwable failure() {
    if (closed) {
      return new IllegalStateException("sequence \"" + id + "\" is closed");
    }
    return broken;
  }

  /** Fails everything that waits. */
  private void fail(Throwable reason, List<Runnable> outside) {
    for (Task task : tasks) {
      Pending event = task.event;
      Settled settled = task.settled;
      if (event != null) {
        desk.forget(event, outside);
        outside.add(() -> event.fail(reason));
      } else if (settled != null) {
        outside.add(() -> settled.fail(reason));
      }
    }
    tasks.clear();
    rest(outside);
  }

  /** Nothing is to be done: fills wait for company, and a closed sequence lets go. */
  private void rest(List<Runnable> outside) {
    if (!closed) {
      ride(false);
      return;
    }
    back();
    fills.forEach(Fill::close);
    fills = List.of();
    SequenceState open = state;
    state = null;
    bytes = 0;
    if (open != null) {
      outside.add(open::close);
    }
    if (service.sequences.remove(this)) {
      desk.retire(service, outside);
    }
  }

  /** Lets the fills run beside others, or at once. */
  private void ride(boolean urgent) {
    if (filler == null && !fills.isEmpty() && last != null) {
      filler = new Pending(this, service, last, Lease.Answer.ofNobody(desk, lease), fills);
      fillerStep = fills.stream().mapToInt(Fill::first).min().orElseThrow();
    }
    if (filler != null) {
      int rows = (int) fills.stream().filter(fill -> fill.first() == fillerStep).count();
      service.schedule.fill(fillerStep, filler, rows, urgent);
    }
  }

  /** Takes the fills back that wait beside others. */
  private void back() {
    if (filler != null) {
      service.schedule.unfill(fillerStep, filler);
      fills = filler.fills();
      filler = null;
    }
  }

  /** An event takes its place, and what earlier rows owe with it. */
  private void begin(Pending event, List<Runnable> outside) {
    back();
    try {
      ModelSpec spec = service.model.spec();
      int rows = event.item().event().rows();
      int most = spec.input().maxLength();
      if (length + rows > most) {
        String reason = "event.rows " + rows + " behind position " + length;
        Bounds.require(
            false, reason + " are more than the " + most + " rows that a sequence may have", "S11");
      }
    } catch (DescriptionException unfit) {
      desk.forget(event, outside);
      String reason = String.valueOf(unfit.getMessage());
      outside.add(() -> event.fail(new ExecutionException(id, -1, reason, unfit)));
      return;
    }
    event.place(event.item().event().at(length), source, fills);
    fills = List.of();
    running = event;
    desk.arrive(event);
  }
}
