package anabranch.engine;

import anabranch.backend.LoadedModel;
import anabranch.engine.rows.Pins;
import anabranch.engine.rows.Route;
import anabranch.engine.schedule.Costs;
import anabranch.engine.schedule.Limits;
import anabranch.engine.schedule.Mode;
import anabranch.engine.schedule.Schedule;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One version of a model in service, with its queues. What changes is guarded by the desk, but the
 * policy: that is what items are given when they are admitted.
 */
final class Service {
  final String version;
  final LoadedModel model;
  final Route route;
  final Admission admission;
  final Mode mode;
  final Pins pins = new Pins();
  final Costs costs;
  final Schedule<Pending> schedule;
  final Set<Sequence> sequences = new HashSet<>();
  final CompletableFuture<Void> gone = new CompletableFuture<>();
  volatile Policy policy;

  /** How many batches run, and how many items are not over. */
  int load;

  boolean retired;

  Service(String version, LoadedModel model, Policy policy, EngineOptions options) {
    policy.checkAgainst(model.spec());
    this.version = version;
    this.model = model;
    this.policy = policy;
    this.mode = options.mode();
    route = new Route(model.spec());
    admission = new Admission(route);
    int steps = route.legs().size();
    costs = new Costs(steps, EngineOptions.SLACK);
    Limits limits =
        new Limits(
            options.batchRows(),
            options.inFlightRows(),
            options.inFlightBytes(),
            options.fillBytes(),
            EngineOptions.PATIENCE,
            options.linger().toNanos());
    schedule = new Schedule<>(steps, mode, limits, costs, pins::moving, pins::waiting);
  }

  /** Returns how much waits and is on its way. */
  Engine.Load now() {
    List<Integer> waiting = new ArrayList<>();
    for (Route.Leg leg : route.legs()) {
      waiting.add(schedule.waiting(leg.index()));
    }
    return new Engine.Load(
        version, List.copyOf(waiting), schedule.inFlight(), pins.moving(), pins.waiting());
  }

  /**
   * A batch to run.
   *
   * @param service whose model runs it
   */
  record Work(Service service, Schedule.Batch<Pending> batch) {}

  /**
   * Takes back a batch that ran, with those of its items that go on, in its order; returns those
   * that do not, and its fills.
   */
  List<Pending> done(
      Schedule.Batch<Pending> batch, int rows, long nanos, List<Lane.Onward> onward) {
    load--;
    schedule.done(batch);
    costs.took(batch.step(), rows, nanos);
    List<Pending> over = new ArrayList<>();
    long now = System.nanoTime();
    int next = 0;
    for (Pending pending : batch.items()) {
      Lane.Onward on = next < onward.size() ? onward.get(next) : null;
      boolean goesOn = on != null && on.item() == pending;
      next += goesOn ? 1 : 0;
      // Whoever was cancelled while it ran did not wait in a queue from which to remove it.
      if (goesOn && !pending.over()) {
        long urgent = pending.urgentAt(on.step(), now);
        schedule.goOn(on.step(), pending, pending.running(), on.arrival(), now, urgent);
      } else {
        over.add(pending);
      }
    }
    over.addAll(batch.fills());
    return over;
  }

  /** Returns whether nobody needs the model any more. */
  boolean unused() {
    return retired && load == 0 && sequences.isEmpty();
  }

  /** Closes the model; once, and by nobody who holds the desk. */
  void close() {
    try {
      model.close();
      gone.complete(null);
    } catch (RuntimeException | Error broken) {
      gone.completeExceptionally(broken);
    }
  }

  /** The models of an engine, that in service last. Guarded by the desk, but {@link #current}. */
  static final class All {
    private final List<Service> open = new ArrayList<>();
    private volatile Service current;
    private int turn;

    All(Service first) {
      current = first;
      open.add(first);
    }

    /** Returns the one in service. */
    Service current() {
      return current;
    }

    /** Returns those that are needed yet. */
    List<Service> open() {
      return List.copyOf(open);
    }

    /** Returns the sequences of all, as they are now. */
    Stream<Sequence> sequences() {
      List<Sequence> all = new ArrayList<>();
      open.forEach(service -> all.addAll(service.sequences));
      return all.stream();
    }

    /** Puts another one in service; returns the one before, which answers what it accepted. */
    Service serve(Service next) {
      Service former = current;
      current = next;
      open.add(next);
      former.retired = true;
      return former;
    }

    /** Forgets one that nobody needs any more; returns whether it is to be closed. */
    boolean forget(Service service) {
      return service.unused() && open.remove(service);
    }

    /** Returns how many items wait before the first step. */
    int queued() {
      int queued = 0;
      for (Service service : open) {
        queued += service.schedule.waiting(0);
      }
      return queued;
    }

    /** Returns the next batch of some model, each in its turn; null if none is ready. */
    @Nullable Work next(long now) {
      for (int i = 0; i < open.size(); i++) {
        Service service = open.get((turn + i) % open.size());
        Schedule.Batch<Pending> batch = service.schedule.next(now);
        if (batch != null) {
          turn = (turn + i + 1) % open.size();
          service.load++;
          return new Work(service, batch);
        }
      }
      return null;
    }

    /** Returns when a batch may be ready next. */
    long wakeAt() {
      long wakeAt = Long.MAX_VALUE;
      for (Service service : open) {
        wakeAt = Math.min(wakeAt, service.schedule.wakeAt());
      }
      return wakeAt;
    }

    boolean isEmpty() {
      return open.stream().allMatch(service -> service.schedule.isEmpty());
    }

    /** Removes what waits and meets a condition; returns it. */
    List<Pending> remove(Predicate<Pending> which) {
      List<Pending> removed = new ArrayList<>();
      open.forEach(service -> removed.addAll(service.schedule.remove(which)));
      return removed;
    }

    /** Says whether nobody brings company now. */
    void quiet(boolean nobodyComes) {
      open.forEach(service -> service.schedule.quiet(nobodyComes));
    }

    /** Makes what waits and meets a condition urgent. */
    void urge(Predicate<Pending> which, long now) {
      open.forEach(service -> service.schedule.urge(which, now));
    }

    /** Lets nothing that waits linger. */
    void hurry() {
      open.forEach(service -> service.schedule.hurry());
    }
  }
}
