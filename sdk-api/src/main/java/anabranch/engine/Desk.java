package anabranch.engine;

import anabranch.engine.schedule.Schedule;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where items wait and lanes ask what to run: the {@link Schedule} of each model in service, with a
 * lock, a clock and a bound on what waits before the first step. Thread-safe.
 */
final class Desk {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Condition room = lock.newCondition();
  private final int capacity;
  private final List<Thread> lanes;
  private final EngineListener listener;
  private final Service.All services;
  private final List<Work> inLanes = new ArrayList<>();
  private final Map<Lease, CompletableFuture<Void>> wantRoom = new HashMap<>();
  private int running;

  /** Events that wait for earlier ones of their sequence. */
  private int parked;

  /** When a lane that waits will look again by itself, if all do that wait; else never. */
  private long alarm = Long.MAX_VALUE;

  /** Leases with something accepted and not answered that may bring more now. */
  private int talking;

  private boolean closed;

  /**
   * Creates a desk without items.
   *
   * @param capacity how many items may wait before the first step
   * @param lanes the threads that must not wait for room: they make it
   * @param listener hears when an item is over, and throws nothing
   */
  Desk(Service first, int capacity, List<Thread> lanes, EngineListener listener) {
    this.capacity = capacity;
    this.lanes = lanes;
    this.listener = listener;
    services = new Service.All(first);
  }

  /**
   * A batch to run.
   *
   * @param service whose model runs it
   */
  record Work(Service service, Schedule.Batch<Pending> batch) {}

  /** What became of an item that came to the desk. */
  enum Room {
    /** It waits. */
    TAKEN,
    /** There was no room for it. */
    NONE,
    /** It was admitted for a model that is not in service any more. */
    OTHER_MODEL
  }

  /** Returns the model that new items are for. */
  Service current() {
    return services.current();
  }

  /** Returns what waits for each model, that in service last. */
  List<Engine.Load> load() {
    return within(() -> services.open().stream().map(Service::now).toList());
  }

  <R> R within(Supplier<R> question) {
    lock.lock();
    try {
      return question.get();
    } finally {
      lock.unlock();
    }
  }

  /** Does something with the desk held, and the rest of it when the desk is free again. */
  private void change(Consumer<List<Runnable>> change) {
    List<Runnable> outside = new ArrayList<>();
    lock.lock();
    try {
      change.accept(outside);
    } finally {
      lock.unlock();
    }
    outside.forEach(Runnable::run);
  }

  /**
   * Adds an item, waiting for room; returns false, and adds nothing, if another model is in service
   * now.
   */
  boolean put(Pending pending) {
    if (lanes.contains(Thread.currentThread())) {
      Room offered = offer(pending);
      if (offered == Room.NONE) {
        throw new IllegalStateException(
            "item \"" + pending.item().id() + "\": the queue is full and this thread empties it");
      }
      return offered == Room.TAKEN;
    }
    boolean[] added = {false};
    change(
        outside -> {
          while (!closed && isFull(pending.answer().lease())) {
            room.awaitUninterruptibly();
          }
          added[0] = add(pending, outside);
        });
    return added[0];
  }

  /** Adds an item unless there is no room. */
  Room offer(Pending pending) {
    List<Runnable> outside = pending.owner() == null ? List.of() : new ArrayList<>();
    lock.lock();
    try {
      if (!closed && isFull(pending.answer().lease())) {
        return Room.NONE;
      }
      return add(pending, outside) ? Room.TAKEN : Room.OTHER_MODEL;
    } finally {
      lock.unlock();
      outside.forEach(Runnable::run);
    }
  }

  private boolean isFull(Lease lease) {
    return parked + services.queued() >= capacity || lease.isFull();
  }

  /** Returns what completes once a lease has room, or is told that it is closed. */
  CompletableFuture<Void> room(Lease lease) {
    return within(
        () ->
            hasRoom(lease)
                ? CompletableFuture.completedFuture(null)
                : wantRoom.computeIfAbsent(lease, missing -> new CompletableFuture<>()).copy());
  }

  private boolean hasRoom(Lease lease) {
    return closed || lease.isClosed() || !isFull(lease);
  }

  /** Something left the queue before the first step, or a lease; the desk is held. */
  private void makeRoom(List<Runnable> outside) {
    room.signalAll();
    if (!wantRoom.isEmpty()) {
      wantRoom
          .entrySet()
          .removeIf(
              wish -> {
                boolean has = hasRoom(wish.getKey());
                if (has) {
                  outside.add(() -> wish.getValue().complete(null));
                }
                return has;
              });
    }
  }

  private boolean add(Pending pending, List<Runnable> outside) {
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
    Sequence owner = pending.owner();
    if (owner == null && pending.service() != current()) {
      return false;
    } else if (owner != null) {
      owner.requireOpen();
    }
    pending.answer().accepted(pending.answer().lease().accept());
    pending.service().load++;
    parked++;
    if (owner == null) {
      arrive(pending);
    } else {
      owner.add(pending);
      owner.pump(outside);
    }
    return true;
  }

  /** An item that was accepted comes to the first step; the desk is held. */
  void arrive(Pending pending) {
    parked--;
    long now = System.nanoTime();
    long urgent = urgentAt(pending, 0, now);
    Schedule<Pending> schedule = pending.service().schedule;
    schedule.arrive(0, pending, pending.rows(), now, urgent);
    ring(schedule);
  }

  /** Wakes a lane if one has to look earlier than those that wait do by themselves. */
  private void ring(Schedule<Pending> schedule) {
    if (schedule.wakeAt() < alarm) {
      changed.signal();
    }
  }

  /** An event that was accepted will not come; the desk is held. */
  void forget(Pending pending, List<Runnable> outside) {
    parked--;
    pending.service().load--;
    makeRoom(outside);
  }

  private static long urgentAt(Pending pending, int step, long now) {
    Lease.Answer answer = pending.answer();
    if (answer.drains()) {
      return now;
    }
    if (!pending.hurries()) {
      return Long.MAX_VALUE;
    }
    Service service = pending.service();
    return pending.urgentAt(service.costs.remaining(step) + service.costs.longest());
  }

  /** Returns the model that new sequences are for, which stays open until it is given back. */
  Service borrow() {
    return within(
        () -> {
          if (closed) {
            throw new IllegalStateException("the engine is closed");
          }
          running++;
          Service service = current();
          service.load++;
          return service;
        });
  }

  void giveBack(Service service) {
    change(
        outside -> {
          service.load--;
          running--;
          retire(service, outside);
          changed.signalAll();
        });
  }

  /** Takes in a sequence of the current model, or of a retired one that another one holds. */
  Sequence register(Sequence sequence) {
    return within(
        () -> {
          if (closed) {
            throw new IllegalStateException("the engine is closed");
          }
          sequence.service().sequences.add(sequence);
          return sequence;
        });
  }

  /** Changes what a sequence is to do. */
  void add(Sequence sequence, Runnable task) {
    change(
        outside -> {
          task.run();
          sequence.pump(outside);
          changed.signalAll();
        });
  }

  /** Runs something while nothing of a sequence does. */
  void calmly(Sequence sequence, Runnable action) {
    try {
      action.run();
    } finally {
      add(sequence, sequence::calmed);
    }
  }

  /** Shows answers that were taken, when their places are free again. */
  void answer(List<Lease.Answer> answers) {
    if (!answers.isEmpty()) {
      List<Runnable> after = List.of();
      try {
        after = ended(answers, EngineListener.Outcome.ANSWERED);
      } finally {
        answers.forEach(Lease.Answer::show);
        after.forEach(Runnable::run);
      }
    }
  }

  /** An item is over, whoever did it; returns what to do when its future is complete. */
  List<Runnable> ended(Lease.Answer answer, EngineListener.Outcome outcome) {
    return answer.epoch() == null ? List.of() : ended(List.of(answer), outcome);
  }

  private List<Runnable> ended(List<Lease.Answer> answers, EngineListener.Outcome outcome) {
    for (Lease.Answer answer : answers) {
      Inference known = answer.known();
      long flops = known == null ? 0 : known.flops();
      long full = known == null ? 0 : known.fullFlops();
      long nanos = known == null ? 0 : known.nanos();
      listener.completed(answer.version(), answer.policy(), outcome, flops, full, nanos);
    }
    List<Runnable> after = new ArrayList<>();
    lock.lock();
    try {
      boolean made = false;
      for (Lease.Answer answer : answers) {
        made |= answer.lease().end(Objects.requireNonNull(answer.epoch()), after);
      }
      if (made) {
        makeRoom(after);
      }
    } finally {
      lock.unlock();
    }
    return after;
  }

  /** Counts what runs outside of lanes on the state of a sequence; the desk is held. */
  void calms(int more) {
    running += more;
  }

  /** Nothing more comes from a lease for now. */
  void flush(Lease lease) {
    change(outside -> lease.silence());
  }

  /** A lease may bring more from now on, or brings nothing for now; the desk is held. */
  void talks(boolean more) {
    talking += more ? 1 : -1;
    boolean quiet = talking == 0;
    if (quiet || more && talking == 1) {
      for (Service service : services.open()) {
        service.schedule.quiet(quiet);
        ring(service.schedule);
      }
    }
  }

  /** Closes a lease and its sequences. */
  void close(Lease lease) {
    change(
        outside -> {
          lease.refuse();
          for (Service service : services.open()) {
            for (Sequence sequence : List.copyOf(service.sequences)) {
              if (sequence.lease() == lease) {
                sequence.end(outside);
              }
            }
          }
          changed.signalAll();
          makeRoom(outside);
        });
  }

  /** Makes what a lease was promised so far urgent. */
  CompletableFuture<Void> drain(Lease lease) {
    return within(
        () -> {
          CompletableFuture<Void> drained = lease.drained();
          long now = System.nanoTime();
          services.urge(
              pending -> pending.answer().lease() == lease && pending.answer().drains(), now);
          changed.signalAll();
          return drained;
        });
  }

  /** Puts another model in service; returns the one before, which answers what it accepted. */
  Service swap(Service next) {
    Service[] former = new Service[1];
    change(
        outside -> {
          if (closed) {
            throw new IllegalStateException("the engine is closed");
          }
          former[0] = services.serve(next);
          retire(former[0], outside);
          makeRoom(outside);
        });
    return former[0];
  }

  /** Closes a model that is not in service any more and that nobody needs; the desk is held. */
  void retire(Service service, List<Runnable> outside) {
    if (services.forget(service)) {
      outside.add(service::close);
    }
  }

  /** Removes the item of an answer that nobody waits for any more, before whatever step it is. */
  void remove(Lease.Answer answer) {
    drop(pending -> pending.answer() == answer);
  }

  private void drop(Predicate<Pending> condition) {
    change(
        outside -> {
          for (Service service : services.open()) {
            for (Sequence sequence : List.copyOf(service.sequences)) {
              for (Pending pending : sequence.remove(condition)) {
                forget(pending, outside);
              }
            }
            for (Pending pending : service.schedule.remove(condition)) {
              over(pending, outside);
            }
          }
          makeRoom(outside);
          changed.signalAll();
        });
  }

  /** An item is over, whatever became of it; the desk is held. */
  private void over(Pending pending, List<Runnable> outside) {
    pending.release();
    if (!pending.fillsOnly()) {
      pending.service().load--;
    }
    Sequence owner = pending.owner();
    if (owner != null) {
      owner.over(pending);
      owner.pump(outside);
    }
    retire(pending.service(), outside);
  }

  /** Returns the next batch, waiting for it; null when closed and nothing waits or runs. */
  @Nullable Work take() {
    List<Runnable> outside = new ArrayList<>();
    lock.lock();
    try {
      while (true) {
        long now = System.nanoTime();
        Work work = next(now, outside);
        if (work != null) {
          return work;
        } else if (closed && running == 0 && services.isEmpty()) {
          changed.signalAll();
          return null;
        }
        await(now);
      }
    } finally {
      lock.unlock();
      outside.forEach(Runnable::run);
    }
  }

  private @Nullable Work next(long now, List<Runnable> outside) {
    Work work = services.next(now);
    if (work != null) {
      running++;
      work.batch().fills().forEach(fills -> fills.requireOwner().filling());
      if (work.batch().step() == 0) {
        makeRoom(outside);
      }
      changed.signal();
      inLanes.add(work);
    }
    return work;
  }

  private void await(long now) {
    long wakeAt = services.wakeAt();
    if (wakeAt == Long.MAX_VALUE) {
      changed.awaitUninterruptibly();
      return;
    }
    alarm = Math.min(alarm, wakeAt);
    try {
      changed.awaitNanos(wakeAt - now);
    } catch (InterruptedException ignored) {
      // Lanes end with the queue, not by interruption; a batch that ends its linger early is
      // correct.
    } finally {
      alarm = Long.MAX_VALUE;
    }
  }

  /**
   * Takes back a batch that ran, with those of its items that go on, in its order; the others are
   * over.
   */
  void done(Work work, int rows, long nanos, List<Lane.Onward> onward) {
    change(
        outside -> {
          Service service = work.service();
          running--;
          service.load--;
          service.schedule.done(work.batch());
          service.costs.took(work.batch().step(), rows, nanos);
          inLanes.removeIf(each -> each == work);
          long now = System.nanoTime();
          int next = 0;
          for (Pending pending : work.batch().items()) {
            Lane.Onward on = next < onward.size() ? onward.get(next) : null;
            boolean goesOn = on != null && on.item() == pending;
            next += goesOn ? 1 : 0;
            // Whoever was cancelled while it ran did not wait in a queue from which to remove it.
            if (goesOn && !pending.over()) {
              service.schedule.goOn(
                  on.step(),
                  pending,
                  pending.running(),
                  on.arrival(),
                  now,
                  urgentAt(pending, on.step(), now));
            } else {
              over(pending, outside);
            }
          }
          work.batch().fills().forEach(fills -> over(fills, outside));
          retire(service, outside);
          changed.signalAll();
        });
  }

  /** Refuses further items; those here are still handed out. */
  void close() {
    change(
        outside -> {
          closed = true;
          services.hurry();
          changed.signalAll();
          makeRoom(outside);
        });
  }

  /** Fails every item that was accepted and is not answered; those that run end with their step. */
  void abandon(Throwable reason) {
    List<Pending> late = new ArrayList<>();
    lock.lock();
    try {
      inLanes.forEach(work -> late.addAll(work.batch().items()));
    } finally {
      lock.unlock();
    }
    late.forEach(pending -> pending.answer().tell(reason));
    List<Pending> waiting = new ArrayList<>();
    drop(waiting::add);
    waiting.forEach(pending -> pending.answer().tell(reason));
  }

  /** Returns the models that are still open, with their sequences closed; for the last lane. */
  List<Service> last() {
    change(
        outside -> {
          for (Service service : services.open()) {
            List.copyOf(service.sequences).forEach(sequence -> sequence.end(outside));
          }
        });
    return within(services::open);
  }
}
