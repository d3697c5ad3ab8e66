package anabranch.flink.step;

import anabranch.engine.Inference;
import anabranch.flink.model.EngineLease;
import anabranch.flink.model.ModelRecipe;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntSupplier;
import java.util.function.ToLongFunction;
import org.apache.flink.annotation.Internal;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;
import org.jspecify.annotations.Nullable;

/**
 * What one subtask did, under the group {@code inference / model / version}. Changed by the task's
 * thread only.
 */
@Internal
public final class InferenceMetrics {
  private static final int WINDOW = 1024;
  private static final String END = "end";

  private final MetricGroup group;
  private final Counter records;
  private final Counter batches;
  private final Counter rows;
  private final Counter failures;
  private final Counter flops;
  private final Counter fullFlops;
  private final Histogram batchRecords;
  private final Histogram exitDepth;

  private volatile @Nullable EngineLease lease;

  /** By the step behind which a unit may leave. */
  private final @Nullable Counter[] exits;

  /** Adds the group to that of an operator. */
  public InferenceMetrics(
      MetricGroup operator, ModelRecipe recipe, IntSupplier inFlight, IntSupplier held) {
    group = operator.addGroup("inference").addGroup("model", recipe.version());
    records = group.counter("records");
    batches = group.counter("batches");
    rows = group.counter("rows");
    failures = group.counter("failures");
    flops = group.counter("flops");
    fullFlops = group.counter("fullFlops");
    batchRecords = group.histogram("batchRecords", new DescriptiveStatisticsHistogram(WINDOW));
    exitDepth = group.histogram("exitDepth", new DescriptiveStatisticsHistogram(WINDOW));
    group.gauge("batchesInFlight", (Gauge<Integer>) inFlight::getAsInt);
    group.gauge("held", (Gauge<Integer>) held::getAsInt);
    List<Step> steps = Cut.of(recipe.spec()).steps();
    exits = new Counter[steps.size()];
    Map<String, Counter> named = new HashMap<>();
    for (Step step : steps) {
      Point point = step.stage().point();
      if (point.head() != null) {
        exits[step.index()] =
            named.computeIfAbsent(
                name(point), name -> group.addGroup("exit", name).counter("units"));
      }
    }
    MetricGroup engine = group.addGroup("engine");
    engine.gauge("batches", counted(EngineLease::engineBatches));
    engine.gauge("rows", counted(EngineLease::engineRows));
    engine.gauge("invalidScores", counted(EngineLease::invalidScores));
  }

  private Gauge<Long> counted(ToLongFunction<EngineLease> count) {
    return () -> {
      EngineLease now = lease;
      return now == null ? 0 : count.applyAsLong(now);
    };
  }

  /** Shows what an engine counts. */
  public void serves(EngineLease engine) {
    lease = engine;
  }

  /** Shows nothing of an engine any more. */
  public void leaves(EngineLease engine) {
    if (lease == engine) {
      lease = null;
    }
  }

  /** Returns whether some engine is shown: the model is held. */
  boolean isServing() {
    return lease != null;
  }

  /** Takes the group out of what reporters show; it counts nothing any more. */
  void close() {
    if (group instanceof AbstractMetricGroup<?> registered) {
      registered.close();
    }
  }

  /** Returns the id of an exit, which may not be taken for the end: ids have no colon. */
  private static String name(Point point) {
    if (point instanceof Point.AtExit at) {
      String id = at.exit().id();
      return id.equals(END) ? "exit:" + id : id;
    }
    return END;
  }

  /** Counts records that were submitted together. */
  public void batch(int size, int rowsInBatch) {
    batches.inc();
    records(size, rowsInBatch);
    batchRecords.update(size);
  }

  /** Counts records that were submitted. */
  public void records(int size, int theirRows) {
    records.inc(size);
    rows.inc(theirRows);
  }

  /** Counts what an answer cost and where its units left. */
  public void answer(Inference inference) {
    flops.inc(inference.flops());
    fullFlops.inc(inference.fullFlops());
    for (int unit = 0; unit < inference.units(); unit++) {
      Objects.requireNonNull(exits[inference.exit(unit)]).inc();
      exitDepth.update(inference.depth(unit));
    }
  }

  /** Counts a record that could not be answered. */
  public void failure() {
    failures.inc();
  }
}
