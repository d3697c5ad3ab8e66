package anabranch.flink.model;

import anabranch.engine.Engine;
import anabranch.engine.EngineListener;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.LongAdder;
import org.apache.flink.util.FlinkException;
import org.jspecify.annotations.Nullable;

/** An engine and who holds it. All that changes is guarded by the table of open engines. */
final class SharedEngine implements EngineListener {
  private static final System.Logger LOG = System.getLogger(EngineLease.class.getName());
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** For an engine that was abandoned: it did not answer before, either. */
  private static final Duration GLANCE = Duration.ofMillis(100);

  private static final Map<ModelRecipe.Identity, SharedEngine> OPEN = new HashMap<>();
  private static final Set<EngineLease> HELD = new HashSet<>();

  private final ModelRecipe recipe;
  private final CompletableFuture<Engine> loaded = new CompletableFuture<>();
  private final LongAdder batches = new LongAdder();
  private final LongAdder rows = new LongAdder();
  private final LongAdder invalidScores = new LongAdder();
  private int leases;
  private boolean hangs;

  private SharedEngine(ModelRecipe recipe) {
    this.recipe = recipe;
  }

  static EngineLease lease(ModelRecipe recipe, ClassLoader holder)
      throws FlinkException, InterruptedException {
    SharedEngine shared;
    boolean first;
    EngineLease lease;
    synchronized (OPEN) {
      @Nullable SharedEngine open = OPEN.get(recipe.identity());
      first = open == null;
      shared = open == null ? new SharedEngine(recipe) : open;
      lease = new EngineLease(shared, holder);
      OPEN.put(recipe.identity(), shared);
      HELD.add(lease);
      shared.leases++;
    }
    if (first) {
      shared.load();
    }
    try {
      shared.loaded.get();
      return lease;
    } catch (ExecutionException failed) {
      lease.close();
      Throwable reason = failed.getCause();
      throw new FlinkException(recipe + " could not be loaded: " + reason, reason);
    } catch (InterruptedException stop) {
      lease.close();
      throw stop;
    }
  }

  static void closeAll(ClassLoader holder) {
    List<EngineLease> left;
    synchronized (OPEN) {
      left = HELD.stream().filter(lease -> lease.holder() == holder).toList();
    }
    left.forEach(EngineLease::close);
  }

  /** Returns how many engines are open, for tests. */
  static int open() {
    synchronized (OPEN) {
      return OPEN.size();
    }
  }

  /** Returns how many shares are held, for tests. */
  static int held() {
    synchronized (OPEN) {
      return HELD.size();
    }
  }

  private void load() {
    try {
      loaded.complete(recipe.open(this));
    } catch (Throwable failure) {
      abandon();
      loaded.completeExceptionally(failure);
    }
  }

  void abandon() {
    synchronized (OPEN) {
      hangs = true;
      OPEN.remove(recipe.identity(), this);
    }
  }

  void release(EngineLease lease) {
    Duration patience;
    synchronized (OPEN) {
      if (!HELD.remove(lease) || --leases > 0) {
        return;
      }
      OPEN.remove(recipe.identity(), this);
      patience = hangs ? GLANCE : PATIENCE;
    }
    if (!loaded.isCompletedExceptionally()) {
      close(loaded.join(), patience);
    }
  }

  private void close(Engine engine, Duration patience) {
    long start = System.nanoTime();
    engine.close(patience);
    if (System.nanoTime() - start >= patience.toNanos()) {
      LOG.log(
          System.Logger.Level.WARNING,
          recipe + " is still busy: it will close when the model returns");
    }
  }

  Engine engine() {
    return loaded.join();
  }

  @Override
  public void batch(Batch batch) {
    batches.increment();
    rows.add(batch.liveRows() + batch.frozenRows());
    invalidScores.add(batch.invalid());
  }

  long batches() {
    return batches.sum();
  }

  long rows() {
    return rows.sum();
  }

  long invalidScores() {
    return invalidScores.sum();
  }
}
