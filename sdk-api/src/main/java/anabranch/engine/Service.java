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
}
