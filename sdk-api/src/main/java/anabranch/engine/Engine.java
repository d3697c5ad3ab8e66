package anabranch.engine;

import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.engine.schedule.Schedule;
import anabranch.error.AnabranchException;
import anabranch.error.ExecutionException;
import anabranch.model.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Answers items with a loaded model, which it owns: gathers them into micro-batches, lets units
 * leave where the policy says, and gathers those that go on into batches anew before each step.
 *
 * <p>Thread-safe. {@link #close} refuses further items, answers those accepted, and closes the
 * model; closing twice is harmless, submitting to a closed engine throws {@link
 * IllegalStateException}. A future completes on a thread of the engine: whoever continues there
 * should be quick.
 *
 * <p>Deliberately small: no retries, no ordering between items, no deadlines.
 */
public final class Engine implements AutoCloseable {
  private final LoadedModel model;
  private final Admission admission;
  private final Desk desk;
  private final List<Thread> lanes = new ArrayList<>();
  private final AtomicInteger lanesRunning;
  private final CountDownLatch lanesAlive;
  private volatile Policy policy;

  private Engine(LoadedModel model, Policy policy, EngineOptions options, EngineListener listener) {
    policy.checkAgainst(model.spec());
    this.model = model;
    this.policy = policy;
    Route route = new Route(model.spec());
    this.admission = new Admission(route, model.numerics());
    this.desk = new Desk(options, route.legs().size());
    this.lanesAlive = new CountDownLatch(options.lanes());
    this.lanesRunning = new AtomicInteger(options.lanes());
    for (int i = 0; i < options.lanes(); i++) {
      Lane lane = new Lane(model, route, options.trace(), listener);
      Thread thread = new Thread(() -> work(lane), "anabranch-" + model.spec().name() + "-" + i);
      thread.setDaemon(true);
      thread.setContextClassLoader(Engine.class.getClassLoader());
      lanes.add(thread);
    }
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
    return new Engine(model, policy, options, listener);
  }

  /** Returns the description of the model. */
  public ModelSpec spec() {
    return model.spec();
  }

  /** Returns what computes the numbers. */
  public Numerics numerics() {
    return model.numerics();
  }

  /** Returns the policy for items without one of their own. */
  public Policy policy() {
    return policy;
  }

  /**
   * Replaces the policy for items submitted from now on; items already accepted keep theirs.
   *
   * @throws anabranch.error.DescriptionException if it does not go with the model
   */
  public void policy(Policy next) {
    next.checkAgainst(model.spec());
    policy = next;
  }

  /**
   * Accepts an item, waiting while the queue is full. The future fails with an {@link
   * ExecutionException} if the item does not fit the model or cannot be computed; cancelling it
   * removes a queued item at once and a running one behind its current step.
   *
   * @throws IllegalStateException if the engine is closed, or full and this is one of its own
   *     threads
   */
  public CompletableFuture<Inference> submit(Item item) {
    Answer answer = new Answer(desk);
    Pending pending = admission.admit(item, policy, answer);
    if (pending != null) {
      if (onLane() && !desk.offer(pending)) {
        throw new IllegalStateException(
            "item \"" + item.id() + "\": the queue is full and this thread empties it");
      } else if (!onLane()) {
        desk.put(pending);
      }
    }
    return answer;
  }

  /** Accepts an item as {@link #submit} does, or returns empty at once if the queue is full. */
  public Optional<CompletableFuture<Inference>> offer(Item item) {
    Answer answer = new Answer(desk);
    Pending pending = admission.admit(item, policy, answer);
    return pending == null || desk.offer(pending) ? Optional.of(answer) : Optional.empty();
  }

  /** Accepts several items in order, as {@link #submit} does each. */
  public List<CompletableFuture<Inference>> submitAll(List<Item> items) {
    List<CompletableFuture<Inference>> answers = new ArrayList<>(items.size());
    for (Item item : items) {
      answers.add(submit(item));
    }
    return answers;
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

  /** Answers everything that was accepted, then closes the model; waits unless called by a lane. */
  @Override
  public void close() {
    desk.close();
    if (onLane()) {
      return;
    }
    boolean interrupted = false;
    while (true) {
      try {
        lanesAlive.await();
        break;
      } catch (InterruptedException stop) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void work(Lane lane) {
    try {
      Schedule.@Nullable Batch<Pending> batch;
      while ((batch = desk.take()) != null) {
        lane.run(batch, desk);
      }
    } finally {
      if (lanesRunning.decrementAndGet() == 0) {
        model.close();
      }
      lanesAlive.countDown();
    }
  }

  private boolean onLane() {
    return lanes.contains(Thread.currentThread());
  }
}
