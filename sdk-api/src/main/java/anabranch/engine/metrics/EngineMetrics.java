package anabranch.engine.metrics;

import anabranch.engine.EngineListener;
import anabranch.model.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Counts what one engine does; give it to {@link anabranch.engine.Engine#open} as its listener.
 *
 * <p>Counts are kept per version of the model, per step, and for each of its mixtures and skips if
 * the engine traces; their number follows from the descriptions. The last {@value #VERSIONS}
 * versions that came into service are kept; the first {@value #POLICIES} policies of each are told
 * apart, the others are counted together. A batch costs a few additions whatever its rows, and
 * nothing is allocated for it; with a trace, the picks of its rows are read.
 *
 * <p>Thread-safe; nothing to close.
 */
public final class EngineMetrics implements EngineListener {
  /** How many versions of the model are kept. */
  public static final int VERSIONS = 4;

  /** How many policies of a version are told apart. */
  public static final int POLICIES = 16;

  private final CopyOnWriteArrayList<Watcher> watchers = new CopyOnWriteArrayList<>();
  private volatile ModelCounts[] models = {};

  /** Hears of what is counted from now on, and what not any more. */
  interface Watcher {
    /** A version is counted. */
    void model(ModelCounts model);

    /** A policy of a version is told apart. */
    void policy(ModelCounts model, int policy);

    /** A version is not counted any more. */
    void gone(ModelCounts model);
  }

  @Override
  public synchronized void serves(String version, ModelSpec spec, boolean trace) {
    ModelCounts model = new ModelCounts(version, spec, trace);
    List<ModelCounts> kept = new ArrayList<>(List.of(models));
    ModelCounts same = find(version);
    ModelCounts goes = same == null && kept.size() == VERSIONS ? kept.get(0) : same;
    kept.remove(goes);
    kept.add(model);
    models = kept.toArray(ModelCounts[]::new);
    for (Watcher watcher : watchers) {
      if (goes != null) {
        watcher.gone(goes);
      }
      watcher.model(model);
    }
  }

  @Override
  public void batch(Batch batch) {
    ModelCounts model = find(batch.version());
    if (model != null) {
      model.add(batch);
    }
  }

  @Override
  public void completed(
      String version, String policy, Outcome outcome, long flops, long fullFlops, long nanos) {
    ModelCounts model = find(version);
    if (model != null) {
      int index = model.indexOf(policy);
      model.add(index < 0 ? name(model, policy) : index, outcome, flops, fullFlops, nanos);
    }
  }

  private synchronized int name(ModelCounts model, String policy) {
    int index = model.indexOf(policy);
    if (index < 0) {
      index = model.name(policy);
      for (Watcher watcher : watchers) {
        watcher.policy(model, index);
      }
    }
    return index;
  }

  private @Nullable ModelCounts find(String version) {
    ModelCounts[] all = models;
    for (int i = all.length - 1; i >= 0; i--) {
      if (all[i].version.equals(version)) {
        return all[i];
      }
    }
    return null;
  }

  /** Tells a watcher what is counted already, and of what comes. */
  synchronized void watch(Watcher watcher) {
    watchers.add(watcher);
    for (ModelCounts model : models) {
      watcher.model(model);
      int named = model.named();
      for (int i = 0; i < named; i++) {
        watcher.policy(model, i);
      }
    }
  }

  synchronized void unwatch(Watcher watcher) {
    watchers.remove(watcher);
  }

  /**
   * Returns the counts as they are; while the engine runs, those of one batch may be there in part.
   */
  public Snapshot snapshot() {
    return new Snapshot(List.of(models).stream().map(ModelCounts::snapshot).toList());
  }
}
