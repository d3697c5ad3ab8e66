package anabranch.engine.metrics;

import anabranch.engine.Engine;
import anabranch.engine.EngineListener.Outcome;
import anabranch.error.Bounds;
import anabranch.model.facts.Point;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Measurement;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Statistic;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * Shows an engine's metrics to Micrometer, under the names of {@code docs/metrics.md}. All meters
 * read what {@link EngineMetrics} counted: nothing happens per batch. Meters of a version that
 * comes into service are added, those of one that is not kept any more are removed.
 *
 * <p>Thread-safe. Closing removes its meters from every registry that it was bound to; closing
 * twice is harmless, binding a closed one throws {@link IllegalStateException}.
 */
public final class MicrometerBinder implements MeterBinder, AutoCloseable {
  /** Up to how many experts of a layer have a counter each, unless something else is said. */
  public static final int EXPERTS = 64;

  private static final String[] KINDS = {"zero", "identity", "constant"};

  private final EngineMetrics metrics;
  private final Engine engine;
  private final Tags tags;
  private final int experts;
  private final List<Binding> bindings = new ArrayList<>();
  private boolean closed;

  /**
   * Creates a binder for the metrics of an engine.
   *
   * @param engine the one that the metrics listen to
   */
  public MicrometerBinder(EngineMetrics metrics, Engine engine) {
    this(metrics, engine, Tags.empty(), EXPERTS);
  }

  /**
   * Creates a binder; see {@link #MicrometerBinder(EngineMetrics, Engine)}.
   *
   * @param tags what every meter carries besides its own; engines that share a registry must differ
   *     in them, or in the names of their models
   * @param experts layers with more experts have no counter for each, at least 0
   */
  public MicrometerBinder(EngineMetrics metrics, Engine engine, Iterable<Tag> tags, int experts) {
    Bounds.atLeast("metrics.experts", experts, 0);
    this.metrics = metrics;
    this.engine = engine;
    this.tags = Tags.of(tags);
    this.experts = experts;
  }

  @Override
  public synchronized void bindTo(MeterRegistry registry) {
    if (closed) {
      throw new IllegalStateException("the binder is closed");
    }
    Binding binding = new Binding(registry);
    bindings.add(binding);
    metrics.watch(binding);
  }

  @Override
  public synchronized void close() {
    closed = true;
    bindings.forEach(Binding::close);
    bindings.clear();
  }

  /** The meters of one registry. Called by one thread at a time, but for its closing. */
  private final class Binding implements EngineMetrics.Watcher {
    private final MeterRegistry registry;
    private final Map<ModelCounts, List<Meter>> meters = new IdentityHashMap<>();

    Binding(MeterRegistry registry) {
      this.registry = registry;
    }

    @Override
    public synchronized void model(ModelCounts model) {
      Meters into = new Meters(model, "model", model.version);
      flops(into, model);
      into.counter("anabranch.audit.items", model, m -> m.audited.sum());
      into.counter("anabranch.audit.disagreements", model, m -> m.disagreed.sum());
      into.summary("anabranch.exit.depth", model.depth);
      into.timer("anabranch.item.duration", model.duration);
      load(into, model.version);
      model.steps.forEach(step -> step(into, step));
      model.layers.values().forEach(layer -> layer(into, layer));
      policy(model, EngineMetrics.POLICIES);
    }

    private void flops(Meters into, ModelCounts model) {
      String executed = "anabranch.flops.executed";
      into.counter(executed, model, m -> m.blockFlops.sum(), "part", "block");
      into.counter(executed, model, m -> m.frozenFlops.sum(), "part", "kv");
      into.counter(executed, model, m -> m.headFlops.sum(), "part", "head");
      into.counter("anabranch.flops.full", model, m -> m.fullFlops.sum());
      into.counter("anabranch.flops.fill", model, m -> m.fillFlops.sum());
      into.counter("anabranch.flops.shadow", model, m -> m.shadowFlops.sum());
    }

    private void load(Meters into, String version) {
      into.gauge("anabranch.inflight", engine, e -> of(e, version, Engine.Load::inFlightRows));
      into.bytes(
          "anabranch.inflight.bytes", engine, e -> of(e, version, Engine.Load::inFlightBytes));
      into.bytes("anabranch.fill.bytes", engine, e -> of(e, version, Engine.Load::fillBytes));
    }

    private void step(Meters into, StepCounts counts) {
      String index = Integer.toString(counts.step.index());
      counts.batches.forEach(
          (reason, count) ->
              into.counter(
                  "anabranch.batch.reason",
                  counts,
                  c -> c.batches.get(reason).sum(),
                  "stage",
                  index,
                  "reason",
                  reason.name().toLowerCase(Locale.ROOT)));
      into.counter("anabranch.rows.live", counts, c -> c.live.sum(), "stage", index);
      into.counter("anabranch.rows.frozen", counts, c -> c.frozen.sum(), "stage", index);
      into.counter("anabranch.rows.fill", counts, c -> c.fills.sum(), "stage", index);
      into.counter("anabranch.rows.shadow", counts, c -> c.shadow.sum(), "stage", index);
      into.summary("anabranch.batch.size", counts.rows, "stage", index);
      into.timer("anabranch.queue.wait", counts.wait, "stage", index);
      into.timer("anabranch.stage.duration", counts.duration, "stage", index);
      String version = into.version();
      int step = counts.step.index();
      into.gauge(
          "anabranch.queue.length",
          engine,
          e -> of(e, version, load -> load.waiting().get(step)),
          "stage",
          index);
      decisions(into, counts, index);
    }

    private void decisions(Meters into, StepCounts counts, String index) {
      String name = counts.name();
      String scope = counts.point().pool().ofItem() ? "item" : "row";
      String[] at = {"exit.point", name, "stage", index, "scope", scope, "reason"};
      if (counts.exits() && counts.point() instanceof Point.End) {
        into.counter("anabranch.exit.count", counts, c -> c.left.sum(), and(at, "final"));
      } else if (counts.exits()) {
        into.counter(
            "anabranch.exit.count",
            counts,
            c -> c.left.sum() - c.forced.sum(),
            and(at, "criterion"));
        into.counter("anabranch.exit.count", counts, c -> c.forced.sum(), and(at, "forced"));
      } else if (counts.point() instanceof Point.AtHalt) {
        into.counter(
            "anabranch.halt.count", counts, c -> c.left.sum(), "point", name, "stage", index);
      } else if (counts.point() instanceof Point.AtPrune) {
        into.counter(
            "anabranch.tokens.pruned", counts, c -> c.pruned.sum(), "point", name, "stage", index);
      }
      if (counts.asks()) {
        into.counter(
            "anabranch.decision.invalid",
            counts,
            c -> c.invalid.sum(),
            "point",
            name,
            "stage",
            index);
      }
    }

    private void layer(Meters into, LayerCounts layer) {
      String[] at = {"layer", layer.path};
      if (layer.skip) {
        into.counter("anabranch.block.skipped", layer, LayerCounts::skipped, at);
        return;
      }
      for (int e = 0; e < layer.experts() && layer.experts() <= experts; e++) {
        int expert = e;
        into.counter(
            "anabranch.expert.tokens",
            layer,
            l -> l.tokens(expert),
            "layer",
            layer.path,
            "expert",
            Integer.toString(expert));
      }
      into.gauge("anabranch.expert.load.cv", layer, LayerCounts::variation, at);
      into.gauge("anabranch.expert.load.max_ratio", layer, LayerCounts::maxRatio, at);
      into.gauge("anabranch.expert.load.entropy", layer, LayerCounts::entropy, at);
      into.counter("anabranch.router.dropped", layer, LayerCounts::dropped, at);
      for (int k = 0; k < KINDS.length; k++) {
        int kind = k;
        if (layer.hasSpecial(kind)) {
          into.counter(
              "anabranch.router.special",
              layer,
              l -> l.special(kind),
              "layer",
              layer.path,
              "kind",
              KINDS[kind]);
        }
      }
    }

    @Override
    public synchronized void policy(ModelCounts model, int policy) {
      Meters into = new Meters(model, "model", model.version);
      for (Outcome outcome : Outcome.values()) {
        into.counter(
            "anabranch.items",
            model,
            m -> m.items(policy, outcome).sum(),
            "policy.version",
            model.policy(policy),
            "outcome",
            outcome.name().toLowerCase(Locale.ROOT));
      }
    }

    @Override
    public synchronized void gone(ModelCounts model) {
      List<Meter> all = meters.remove(model);
      if (all != null) {
        all.forEach(registry::remove);
      }
    }

    void close() {
      metrics.unwatch(this);
      synchronized (this) {
        meters.values().forEach(all -> all.forEach(registry::remove));
        meters.clear();
      }
    }

    /** Makes the meters of one version, with its name among their tags. */
    private final class Meters {
      private final String version;
      private final List<Meter> all;
      private final Tags base;

      Meters(ModelCounts model, String key, String version) {
        this.version = version;
        all = meters.computeIfAbsent(model, any -> new ArrayList<>());
        base = tags.and(key, version);
      }

      String version() {
        return version;
      }

      <T> void counter(String name, T of, ToDoubleFunction<T> count, String... more) {
        all.add(FunctionCounter.builder(name, of, count).tags(base.and(more)).register(registry));
      }

      <T> void gauge(String name, T of, ToDoubleFunction<T> value, String... more) {
        all.add(Gauge.builder(name, of, value).tags(base.and(more)).register(registry));
      }

      <T> void bytes(String name, T of, ToDoubleFunction<T> value) {
        all.add(Gauge.builder(name, of, value).tags(base).baseUnit("bytes").register(registry));
      }

      void timer(String name, Buckets of, String... more) {
        ToLongFunction<Buckets> count = Buckets::count;
        all.add(
            FunctionTimer.builder(name, of, count, Buckets::total, TimeUnit.SECONDS)
                .tags(base.and(more))
                .register(registry));
        buckets(name, of, more);
      }

      void summary(String name, Buckets of, String... more) {
        List<Measurement> both =
            List.of(
                new Measurement(() -> (double) of.count(), Statistic.COUNT),
                new Measurement(of::total, Statistic.TOTAL));
        all.add(
            Meter.builder(name, Meter.Type.DISTRIBUTION_SUMMARY, both)
                .tags(base.and(more))
                .register(registry));
        buckets(name, of, more);
      }

      private void buckets(String name, Buckets of, String... more) {
        for (int i = 0; i <= of.size(); i++) {
          int bucket = i;
          String bound = i == of.size() ? "+Inf" : Double.toString(of.bound(i));
          counter(name + ".bucket", of, b -> b.upTo(bucket), and(more, "le", bound));
        }
      }
    }
  }

  private static double of(Engine engine, String version, ToDoubleFunction<Engine.Load> what) {
    for (Engine.Load load : engine.load()) {
      if (load.version().equals(version)) {
        return what.applyAsDouble(load);
      }
    }
    return 0;
  }

  private static String[] and(String[] some, String... more) {
    String[] all = Arrays.copyOf(some, some.length + more.length);
    System.arraycopy(more, 0, all, some.length, more.length);
    return all;
  }
}
