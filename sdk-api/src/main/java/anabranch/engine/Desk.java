package anabranch.engine;

import anabranch.engine.schedule.Schedule;
import anabranch.engine.turn.Guard;
import anabranch.engine.turn.Turns;
import anabranch.engine.turn.Waiters;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where items wait and lanes ask what to run: the {@link Schedule} of each model in service, with a
 * guard, a clock and a bound on what waits before the first step. Thread-safe.
 */
final class Desk {
  private final Guard guard = new Guard();
  private final Turns<Service.Work> turns = new Turns<>(guard);
  private final Waiters<Lease> waiters = new Waiters<>(guard);
  private final int capacity;
  private final List<Thread> lanes;
  private final EngineListener listener;
  private final Service.All services;

  /** Events that wait for earlier ones of their sequence. */
  private int parked;

  /** Leases with something accepted and not answered that may bring more now. */
  private int talking;

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

  /** Answers a question with the desk held. */
  <R> R within(Supplier<R> question) {
    return guard.within(question);
  }

  /** Does something with the desk held, the rest of it when it is free, and lets lanes look. */
  void change(Consumer<List<Runnable>> change) {
    guard.change(
        outside -> {
          change.accept(outside);
          turns.wake();
        });
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
    return guard.within(
        outside -> {
          waiters.await(() -> turns.isClosed() || !isFull(pending.answer().lease()));
          return add(pending, outside);
        });
  }

  /** Adds an item unless there is no room. */
  Room offer(Pending pending) {
    return guard.within(
        outside -> {
          if (!turns.isClosed() && isFull(pending.answer().lease())) {
            return Room.NONE;
          }
          return add(pending, outside) ? Room.TAKEN : Room.OTHER_MODEL;
        });
  }

  private boolean isFull(Lease lease) {
    return parked + services.queued() >= capacity || lease.isFull();
  }

  /** Returns what completes once a lease has room, or is told that it is closed. */
  CompletableFuture<Void> room(Lease lease) {
    return within(
        () -> hasRoom(lease) ? CompletableFuture.completedFuture(null) : waiters.wish(lease));
  }

  private boolean hasRoom(Lease lease) {
    return turns.isClosed() || lease.isClosed() || !isFull(lease);
  }

  /** Something left the queue before the first step, or a lease; the desk is held. */
  private void makeRoom(List<Runnable> outside) {
    waiters.tell(this::hasRoom, outside);
  }

  private boolean add(Pending pending, List<Runnable> outside) {
    turns.requireOpen();
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
    Schedule<Pending> schedule = pending.service().schedule;
    schedule.arrive(0, pending, pending.rows(), now, pending.urgentAt(0, now));
    turns.wake(schedule.wakeAt());
  }

  /** An event that was accepted will not come; the desk is held. */
  void forget(Pending pending, List<Runnable> outside) {
    parked--;
    pending.service().load--;
    makeRoom(outside);
  }

  /** Returns the model that new sequences are for, which stays open until it is given back. */
  Service borrow() {
    return within(
        () -> {
          turns.requireOpen();
          turns.runs(1);
          Service service = current();
          service.load++;
          return service;
        });
  }

  void giveBack(Service service) {
    change(
        outside -> {
          service.load--;
          turns.runs(-1);
          retire(service, outside);
        });
  }

  /** Takes in a sequence of the current model, or of a retired one that another one holds. */
  Sequence register(Sequence sequence) {
    return within(
        () -> {
          turns.requireOpen();
          sequence.service().sequences.add(sequence);
          return sequence;
        });
  }

  /** Accepted items are over; returns what to do when their futures are complete. */
  List<Runnable> ended(List<Lease.Answer> answers, EngineListener.Outcome outcome) {
    answers.forEach(answer -> answer.report(outcome, listener));
    return guard.changed(
        after -> {
          boolean made = false;
          for (Lease.Answer answer : answers) {
            made |= answer.end(after);
          }
          if (made) {
            makeRoom(after);
          }
        });
  }

  /** Counts what runs outside of lanes on the state of a sequence; the desk is held. */
  void calms(int more) {
    turns.runs(more);
  }

  /** A lease may bring more from now on, or brings nothing for now; the desk is held. */
  void talks(boolean more) {
    talking += more ? 1 : -1;
    if (talking == 0 || more && talking == 1) {
      services.quiet(talking == 0);
      turns.wake(services.wakeAt());
    }
  }

  /** Nothing more comes from a lease for now. */
  void flush(Lease lease) {
    guard.change(outside -> lease.silence());
  }

  /** Closes sequences; the desk is held. */
  void end(Predicate<Sequence> which, List<Runnable> outside) {
    services.sequences().filter(which).forEach(sequence -> sequence.end(outside));
    makeRoom(outside);
  }

  /** Makes what waits and meets a condition urgent; the desk is held. */
  void urge(Predicate<Pending> which) {
    services.urge(which, System.nanoTime());
    turns.wake();
  }

  /** Puts another model in service; returns the one before, which answers what it accepted. */
  Service swap(Service next) {
    return guard.within(
        outside -> {
          turns.requireOpen();
          Service former = services.serve(next);
          retire(former, outside);
          makeRoom(outside);
          return former;
        });
  }

  /** Closes a model that is not in service any more and that nobody needs; the desk is held. */
  void retire(Service service, List<Runnable> outside) {
    if (services.forget(service)) {
      outside.add(service::close);
    }
  }

  /** Removes the items that fulfil a condition, before whatever step they wait. */
  void remove(Predicate<Pending> condition) {
    change(
        outside -> {
          services
              .sequences()
              .flatMap(sequence -> sequence.remove(condition).stream())
              .forEach(pending -> forget(pending, outside));
          services.remove(condition).forEach(pending -> over(pending, outside));
          makeRoom(outside);
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
  Service.@Nullable Work take() {
    return turns.take(this::next, services::wakeAt, services::isEmpty);
  }

  private Service.@Nullable Work next(long now, List<Runnable> outside) {
    Service.Work work = services.next(now);
    if (work != null) {
      work.batch().fills().forEach(fills -> fills.requireOwner().filling());
      if (work.batch().step() == 0) {
        makeRoom(outside);
      }
    }
    return work;
  }

  /**
   * Takes back a batch that ran, with those of its items that go on, in its order; the others are
   * over.
   */
  void done(Service.Work work, int rows, long nanos, List<Lane.Onward> onward) {
    guard.change(
        outside -> {
          turns.done(work);
          work.service()
              .done(work.batch(), rows, nanos, onward)
              .forEach(pending -> over(pending, outside));
          retire(work.service(), outside);
        });
  }

  /** Refuses further items; those here are still handed out. */
  void close() {
    guard.change(
        outside -> {
          turns.close();
          services.hurry();
          makeRoom(outside);
        });
  }

  /** Fails every item that was accepted and is not answered; those that run end with their step. */
  void abandon(Throwable reason) {
    List<Pending> late = new ArrayList<>();
    within(turns::taken).forEach(work -> late.addAll(work.batch().items()));
    late.forEach(pending -> pending.answer().tell(reason));
    List<Pending> waiting = new ArrayList<>();
    remove(waiting::add);
    waiting.forEach(pending -> pending.answer().tell(reason));
  }

  /** Returns the models that are still open, with their sequences closed; for the last lane. */
  List<Service> last() {
    change(outside -> end(sequence -> true, outside));
    return within(services::open);
  }
}
