package anabranch.engine.metrics;

import anabranch.backend.Trace;
import anabranch.engine.EngineListener.Batch;
import anabranch.engine.EngineListener.Outcome;
import anabranch.engine.EngineListener.Work;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;

/** What happened to one version of a model: arrays as long as its description says. Thread-safe. */
final class ModelCounts {
  /** The name of all policies that come after the first few. */
  static final String OTHER = "other";

  private static final int OUTCOMES = Outcome.values().length;

  final String version;
  final List<StepCounts> steps;
  final Map<String, LayerCounts> layers;
  final LongAdder blockFlops = new LongAdder();
  final LongAdder frozenFlops = new LongAdder();
  final LongAdder headFlops = new LongAdder();
  final LongAdder fillFlops = new LongAdder();
  final LongAdder shadowFlops = new LongAdder();
  final LongAdder fullFlops = new LongAdder();
  final LongAdder audited = new LongAdder();
  final LongAdder disagreed = new LongAdder();
  final Buckets depth = Buckets.ofShares();
  final Buckets duration = Buckets.ofSeconds();
  private final AtomicReferenceArray<String> policies =
      new AtomicReferenceArray<>(EngineMetrics.POLICIES);
  private final LongAdder[] items = new LongAdder[(EngineMetrics.POLICIES + 1) * OUTCOMES];

  ModelCounts(String version, ModelSpec spec, boolean trace) {
    this.version = version;
    steps = Cut.of(spec).steps().stream().map(StepCounts::new).toList();
    layers = trace ? LayerCounts.of(spec) : Map.of();
    for (int i = 0; i < items.length; i++) {
      items[i] = new LongAdder();
    }
  }

  void add(Batch batch) {
    if (batch.stage() >= steps.size()) {
      // A model that took over the name of one that still has sequences.
      return;
    }
    steps.get(batch.stage()).add(batch);
    Work work = batch.work();
    blockFlops.add(work.own().flops());
    frozenFlops.add(work.kept().flops());
    headFlops.add(work.heads());
    fillFlops.add(work.fills().flops());
    shadowFlops.add(work.shadow().flops() + work.shadowHeads());
    audited.add(batch.audited());
    disagreed.add(batch.disagreed());
    List<Trace.Choices> choices = batch.trace().choices();
    for (int i = 0; i < choices.size(); i++) {
      LayerCounts layer = layers.get(choices.get(i).path());
      if (layer != null) {
        layer.add(choices.get(i), work.aside());
      }
    }
  }

  void add(int policy, Outcome outcome, long flops, long full, long nanos) {
    items(policy, outcome).increment();
    if (outcome == Outcome.ANSWERED) {
      fullFlops.add(full);
      depth.add((double) flops / full);
      duration.add(nanos / 1e9);
    }
  }

  LongAdder items(int policy, Outcome outcome) {
    return items[policy * OUTCOMES + outcome.ordinal()];
  }

  /** Returns the number of a policy, at most that of all others; -1 if it has none yet. */
  int indexOf(String policy) {
    for (int i = 0; i < policies.length() && !OTHER.equals(policy); i++) {
      String known = policies.get(i);
      if (known == null) {
        return -1;
      } else if (known.equals(policy)) {
        return i;
      }
    }
    return policies.length();
  }

  /** Gives a policy the next number; called by one at a time. */
  int name(String policy) {
    int i = 0;
    while (policies.get(i) != null) {
      i++;
    }
    policies.set(i, policy);
    return i;
  }

  /** Returns what a number stands for. */
  String policy(int index) {
    return index == policies.length() ? OTHER : policies.get(index);
  }

  /** Returns how many policies have a number of their own. */
  int named() {
    int i = 0;
    while (i < policies.length() && policies.get(i) != null) {
      i++;
    }
    return i;
  }

  Snapshot.Model snapshot() {
    Map<String, Snapshot.Items> byPolicy = new LinkedHashMap<>();
    int named = named();
    for (int i = 0; i < named; i++) {
      byPolicy.put(policy(i), items(i));
    }
    Snapshot.Items others = items(policies.length());
    if (others.all() > 0) {
      byPolicy.put(OTHER, others);
    }
    return new Snapshot.Model(
        version,
        byPolicy,
        depth.snapshot(),
        duration.snapshot(),
        new Snapshot.Flops(
            blockFlops.sum(),
            frozenFlops.sum(),
            headFlops.sum(),
            fillFlops.sum(),
            shadowFlops.sum(),
            fullFlops.sum()),
        audited.sum(),
        disagreed.sum(),
        steps.stream().map(StepCounts::snapshot).toList(),
        layers.values().stream().map(LayerCounts::snapshot).toList());
  }

  private Snapshot.Items items(int policy) {
    return new Snapshot.Items(
        items(policy, Outcome.ANSWERED).sum(),
        items(policy, Outcome.FAILED).sum(),
        items(policy, Outcome.CANCELLED).sum());
  }
}
