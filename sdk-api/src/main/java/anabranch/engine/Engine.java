package anabranch.engine;

import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.backend.SequenceState;
import anabranch.backend.StateImage;
import anabranch.error.AnabranchException;
import anabranch.error.Bounds;
import anabranch.error.ExecutionException;
import anabranch.model.ModelSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Answers items with a loaded model, which it owns: gathers them into micro-batches, lets units
 * leave where the policy says, and gathers those that go on into batches anew before each step.
 *
 * <p>An item is a whole sequence; one that comes event by event is a {@link Sequence}. Several who
 * share an engine take a {@link Lease} each. The model can be swapped for another under load.
 *
 * <p>Thread-safe. {@link #close} refuses further items, answers those accepted, and closes the
 * model; closing twice is harmless, submitting to a closed engine throws {@link
 * IllegalStateException}. A future completes on a thread of the engine: whoever continues there
 * should be quick. Cancelling a future, or completing it in any other way, removes a queued item at
 * once and a running one behind its current step: {@code submit(item).orTimeout(...)} is a timeout.
 *
 * <p>Deliberately small: no retries, no ordering between items.
 */
public final class Engine implements AutoCloseable {
  private final EngineOptions options;
  private final EngineListener listener;
  private final Desk desk;
  private final Lease own;
  private final List<Thread> lanes = new ArrayList<>();
  private final AtomicInteger lanesRunning;
  private final CountDownLatch lanesAlive;

  private Engine(
      String version,
      LoadedModel model,
      Policy policy,
      EngineOptions options,
      EngineListener listener) {
    this.options = options;
    this.listener = new Shielded(listener);
    String name = model.spec().name();
    Service first = new Service(version, model, policy, options);
    desk = new Desk(first, options.queueItems(), lanes, this.listener);
    own = new Lease(this, desk, Integer.MAX_VALUE);
    lanesAlive = new CountDownLatch(options.lanes());
    lanesRunning = new AtomicInteger(options.lanes());
    for (int i = 0; i < options.lanes(); i++) {
      Lane lane = new Lane(options.trace(), this.listener);
      Thread thread = new Thread(() -> work(lane), "anabranch-" + name + "-" + i);
      thread.setDaemon(true);
      thread.setContextClassLoader(Engine.class.getClassLoader());
      lanes.add(thread);
    }
    serves(first);
    lanes.forEach(Thread::start);
  }

  /**
   * Returns an engine with the default options.
   *
   * @param model closed with the engine
   * @param policy for items without one of their own
   * @throws anabranch.error.DescriptionException if the policy does not go with the model
   */
  public static Engine open(LoadedModel model, Policy policy) {
    return open(model, policy, EngineOptions.defaults());
  }

  /** Returns an engine; see {@link #open(LoadedModel, Policy)}. */
  public static Engine open(LoadedModel model, Policy policy, EngineOptions options) {
    return open(model, policy, options, batch -> {});
  }

  /**
   * Returns an engine that tells a listener of every batch; see {@link #open(LoadedModel, Policy)}.
   */
  public static Engine open(
      LoadedModel model, Policy policy, EngineOptions options, EngineListener listener) {
    return open(model.spec().name(), model, policy, options, listener);
  }

  /**
   * Returns an engine whose first model has a version of its own; see {@link #open(LoadedModel,
   * Policy)}.
   *
   * @param version names the model in answers
   */
  public static Engine open(
      String version,
      LoadedModel model,
      Policy policy,
      EngineOptions options,
      EngineListener listener) {
    Bounds.name("engine.version", version);
    return new Engine(version, model, policy, options, listener);
  }

  /** Returns the description of the model in service. */
  public ModelSpec spec() {
    return desk.current().model.spec();
  }

  /** Returns what computes the numbers of the model in service. */
  public Numerics numerics() {
    return desk.current().model.numerics();
  }

  /**
   * Returns the version of the model in service: at first, unless it was told, the model's name.
   */
  public String version() {
    return desk.current().version;
  }

  /**
   * Returns how much waits and is on its way now, for each version that still has items or
   * sequences; that in service is the last.
   */
  public List<Load> load() {
    return desk.load();
  }

  /**
   * What waits and is on its way for one version of a model.
   *
   * @param version of the model
   * @param waiting how many items wait before each step
   * @param inFlightRows rows that run, or wait behind the first step
   * @param inFlightBytes what calls hold some of whose rows are on their way
   * @param fillBytes what calls hold some of whose rows wait as fills
   */
  public record Load(
      String version,
      List<Integer> waiting,
      long inFlightRows,
      long inFlightBytes,
      long fillBytes) {}

  /** Returns the policy for items without one of their own. */
  public Policy policy() {
    return desk.current().policy;
  }

  /**
   * Replaces the policy for items submitted from now on; items already accepted keep theirs.
   *
   * @throws anabranch.error.DescriptionException if it does not go with the model in service
   */
  public void policy(Policy next) {
    Service service = desk.current();
    next.checkAgainst(service.model.spec());
    service.policy = next;
  }

  /**
   * Puts another model in service. Every item is answered by one model only: what is submitted from
   * now on by the new one, what was accepted before by the former, and so is what sequences are
   * told that began with it.
   *
   * @param version names it in answers; not that of the model in service
   * @param next closed with the engine, or once it was swapped in turn
   * @param policy for items without one of their own
   * @return completes once the former model has answered everything and is closed
   * @throws anabranch.error.DescriptionException if the policy does not go with the model, or the
   *     version is taken; the model is not closed then, and nothing changes
   * @throws IllegalStateException if the engine is closed
   */
  public CompletableFuture<Void> swap(String version, LoadedModel next, Policy policy) {
    Bounds.name("engine.version", version);
    Bounds.require(
        !version.equals(version()), "engine.version \"" + version + "\" is in service already");
    Service service = new Service(version, next, policy, options);
    serves(service);
    return desk.swap(service).gone.copy();
  }

  /**
   * Returns a share in this engine; see {@link Lease}.
   *
   * @param items how many items of the lease may be accepted and not answered before its {@code
   *     submit} blocks, at least 1
   */
  public Lease lease(int items) {
    return new Lease(this, desk, items);
  }

  /**
   * Accepts an item, waiting while the queue is full. The future fails with an {@link
   * ExecutionException} if the item does not fit the model or cannot be computed.
   *
   * @throws IllegalStateException if the engine is closed, or full and this is one of its own
   *     threads
   */
  public CompletableFuture<Inference> submit(Item item) {
    return own.submit(item);
  }

  /** Accepts an item as {@link #submit} does, or returns empty at once if the queue is full. */
  public Optional<CompletableFuture<Inference>> offer(Item item) {
    return own.offer(item);
  }

  /** Completes once there is room for an item; see {@link Lease#room}. */
  public CompletableFuture<Void> room() {
    return own.room();
  }

  /** Accepts several items in order, as {@link #submit} does each. */
  public List<CompletableFuture<Inference>> submitAll(List<Item> items) {
    return own.submitAll(items);
  }

  /** Returns a new sequence; see {@link Lease#begin(String)}. */
  public Sequence begin(String id) {
    return own.begin(id);
  }

  /** Returns a new sequence that reads an event; see {@link Lease#begin(String, Event)}. */
  public Sequence begin(String id, @Nullable Event source) {
    return own.begin(id, source);
  }

  /** Returns a sequence from an image; see {@link Lease#resume}. */
  public Sequence resume(String id, StateImage image) {
    return own.resume(id, image);
  }

  /**
   * Answers an item, waiting for it.
   *
   * @throws ExecutionException if the item does not fit the model or cannot be computed
   * @throws IllegalStateException if the engine is closed, or this is one of its own threads
   */
  public Inference infer(Item item) {
    if (onLane()) {
      throw new IllegalStateException("infer would wait for its own thread");
    }
    try {
      return submit(item).join();
    } catch (CompletionException failed) {
      throw failed.getCause() instanceof AnabranchException known ? known : failed;
    }
  }

  CompletableFuture<Inference> submit(Item item, Lease lease) {
    Lease.Answer answer = new Lease.Answer(desk, lease);
    while (true) {
      Service service = desk.current();
      Pending pending = service.admission.admit(item, service, answer);
      if (pending == null || desk.put(pending)) {
        return answer;
      }
    }
  }

  Optional<CompletableFuture<Inference>> offer(Item item, Lease lease) {
    Lease.Answer answer = new Lease.Answer(desk, lease);
    while (true) {
      Service service = desk.current();
      Pending pending = service.admission.admit(item, service, answer);
      Desk.Room room = pending == null ? Desk.Room.TAKEN : desk.offer(pending);
      if (room != Desk.Room.OTHER_MODEL) {
        return room == Desk.Room.NONE ? Optional.empty() : Optional.of(answer);
      }
    }
  }

  Sequence begin(String id, @Nullable Event source, @Nullable StateImage image, Lease lease) {
    Service service = desk.borrow();
    try {
      SequenceState state = image == null ? null : service.model.restore(image);
      Event reads = state == null ? service.admission.begin(id, source) : null;
      return desk.register(new Sequence(desk, lease, service, id, reads, state));
    } finally {
      desk.giveBack(service);
    }
  }

  /**
   * Refuses further items, answers those accepted, and closes the model; see {@link
   * EngineOptions#closeWithin}. Returns when that is done, or at once if called by a lane.
   */
  @Override
  public void close() {
    close(options.closeWithin());
  }

  /**
   * Refuses further items, goes on answering those accepted for some time, fails the others, and
   * closes the model. Does not wait for a batch that runs longer: the model is closed behind it.
   * Sequences are closed with the engine; what they owe is not run.
   */
  public void close(Duration within) {
    desk.close();
    if (onLane()) {
      return;
    }
    boolean interrupted = false;
    long end = System.nanoTime() + within.toNanos();
    boolean over = false;
    while (!over) {
      try {
        over = lanesAlive.await(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
        if (!over) {
          desk.abandon(
              new IllegalStateException("the engine was closed and had " + within + " to answer"));
          over = true;
        }
      } catch (InterruptedException stop) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void serves(Service service) {
    listener.serves(service.version, service.model.spec(), options.trace());
  }

  private void work(Lane lane) {
    try {
      Service.@Nullable Work work;
      while ((work = desk.take()) != null) {
        lane.run(work, desk);
      }
    } finally {
      if (lanesRunning.decrementAndGet() == 0) {
        desk.last().forEach(Service::close);
      }
      lanesAlive.countDown();
    }
  }

  private boolean onLane() {
    return lanes.contains(Thread.currentThread());
  }

  /** A listener whose failures, of whatever kind, are logged: they are nobody else's. */
  private record Shielded(EngineListener listener) implements EngineListener {
    @Override
    public void batch(Batch batch) {
      try {
        listener.batch(batch);
      } catch (Throwable thrown) {
        log(thrown);
      }
    }

    @Override
    public void serves(String version, ModelSpec spec, boolean trace) {
      try {
        listener.serves(version, spec, trace);
      } catch (Throwable thrown) {
        log(thrown);
      }
    }

    @Override
    public void completed(
        String version, String policy, Outcome outcome, long flops, long fullFlops, long nanos) {
      try {
        listener.completed(version, policy, outcome, flops, fullFlops, nanos);
      } catch (Throwable thrown) {
        log(thrown);
      }
    }

    private static void log(Throwable thrown) {
      Lane.LOG.log(System.Logger.Level.WARNING, "a listener threw", thrown);
    }
  }
}
