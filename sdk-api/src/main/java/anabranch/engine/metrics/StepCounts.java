package anabranch.engine.metrics;

import anabranch.engine.EngineListener.Batch;
import anabranch.engine.EngineListener.Work;
import anabranch.engine.schedule.Schedule;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** What happened at one step of a model. Thread-safe. */
final class StepCounts {
  final Step step;
  final Map<Schedule.Reason, LongAdder> batches = new EnumMap<>(Schedule.Reason.class);
  final LongAdder live = new LongAdder();
  final LongAdder frozen = new LongAdder();
  final LongAdder fills = new LongAdder();
  final LongAdder shadow = new LongAdder();
  final LongAdder left = new LongAdder();
  final LongAdder forced = new LongAdder();
  final LongAdder pruned = new LongAdder();
  final LongAdder invalid = new LongAdder();
  final Buckets rows = Buckets.ofRows();
  final Buckets wait = Buckets.ofSeconds();
  final Buckets duration = Buckets.ofSeconds();

  StepCounts(Step step) {
    this.step = step;
    for (Schedule.Reason reason : Schedule.Reason.values()) {
      batches.put(reason, new LongAdder());
    }
  }

  void add(Batch batch) {
    Work work = batch.work();
    batches.get(batch.reason()).increment();
    live.add(work.own().rows());
    frozen.add(work.kept().rows());
    fills.add(work.fills().rows());
    shadow.add(work.shadow().rows());
    left.add(batch.left());
    forced.add(batch.forced());
    pruned.add(batch.pruned());
    invalid.add(batch.invalid());
    long primary = (long) work.own().rows() + work.kept().rows();
    if (primary > 0) {
      rows.add(primary);
      wait.add(batch.waited() / 1e9);
      duration.add(batch.nanos() / 1e9);
    }
  }

  Point point() {
    return step.stage().point();
  }

  /** Returns whether units that leave here are answered. */
  boolean exits() {
    return !step.stage().encoder() && point().head() != null;
  }

  /** Returns what the policy calls the point; empty where it decides nothing. */
  String name() {
    Point point = point();
    if (point instanceof Point.AtExit at) {
      return at.exit().id();
    } else if (point instanceof Point.AtHalt at) {
      return at.halt().id();
    } else if (point instanceof Point.AtPrune at) {
      return at.prune().id();
    } else if (point instanceof Point.AtChoice at) {
      return at.choice().id();
    }
    return point instanceof Point.End ? "end" : "";
  }

  /** Returns whether some unit is asked for a score here. */
  boolean asks() {
    return point().score() != null;
  }

  Snapshot.Step snapshot() {
    Map<Schedule.Reason, Long> reasons = new EnumMap<>(Schedule.Reason.class);
    batches.forEach((reason, count) -> reasons.put(reason, count.sum()));
    return new Snapshot.Step(
        step.index(),
        name(),
        reasons,
        live.sum(),
        frozen.sum(),
        fills.sum(),
        shadow.sum(),
        left.sum(),
        forced.sum(),
        pruned.sum(),
        invalid.sum(),
        rows.snapshot(),
        wait.snapshot(),
        duration.snapshot());
  }
}
