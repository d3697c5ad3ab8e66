package anabranch.engine;

import anabranch.backend.Activations;
import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.error.AnabranchException;
import anabranch.error.ExecutionException;
import anabranch.model.Exit;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Grouping;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs batches through the stages, one batch at a time, survivors only (mode {@code COMPACT}).
 * Confined to one thread.
 *
 * <p>Rows that left with {@code FREEZE_PROJECT} go along, frozen, while some live row may still
 * read them: in causal stages those before the item's last live row, in stages that need the whole
 * event all of them. An item whose last row has left takes its frozen rows with it.
 */
final class Lane {
  private static final System.Logger LOG = System.getLogger(Engine.class.getName());

  private final LoadedModel model;
  private final List<StageSpec> plan;
  private final List<Stage> stages;
  private final boolean trace;
  private final EngineListener listener;
  private ByteBuffer scratch = ByteBuffer.allocateDirect(0);

  Lane(LoadedModel model, boolean trace, EngineListener listener) {
    this.model = model;
    this.plan = Cut.of(model.spec());
    this.stages = model.stages();
    this.trace = trace;
    this.listener = listener;
  }

  /** Answers every item of a batch, one way or the other; never throws. */
  void run(List<Pending> batch) {
    List<Activations> held = List.of();
    List<Pending> items = batch;
    try {
      for (StageSpec stage : plan) {
        items = Pending.wanted(items);
        if (items.isEmpty()) {
          break;
        }
        List<Activations> next = new ArrayList<>();
        List<Pending> survivors = new ArrayList<>();
        try {
          attempt(stage, items, next, survivors);
        } finally {
          held.forEach(Activations::close);
          held = next;
        }
        items = survivors;
      }
    } catch (Throwable broken) {
      LOG.log(System.Logger.Level.ERROR, "a batch of " + batch.size() + " items broke", broken);
      for (Pending pending : batch) {
        pending.fail(new ExecutionException(pending.item().id(), -1, "the batch broke", broken));
      }
    } finally {
      held.forEach(Activations::close);
    }
  }

  /** Runs items together; if that fails, each alone, so that only the one to blame fails. */
  private void attempt(
      StageSpec stage, List<Pending> items, List<Activations> held, List<Pending> survivors) {
    long start = System.nanoTime();
    StageBatch batch = pack(stage, items);
    StageResult result;
    try {
      result = stages.get(stage.index()).run(batch);
    } catch (RuntimeException failure) {
      if (items.size() == 1) {
        fail(stage, items, failure);
      } else {
        items.forEach(item -> attempt(stage, List.of(item), held, survivors));
      }
      return;
    }
    held.add(result.rows());
    try (result) {
      Departures leaving = new Departures(items.size());
      decide(stage, items, result, leaving);
      read(stage, result, leaving);
      report(stage, items, batch, result, leaving, System.nanoTime() - start);
    } catch (RuntimeException failure) {
      fail(stage, items, failure);
      return;
    }
    for (Pending item : items) {
      if (item.finished()) {
        item.complete();
      } else {
        survivors.add(item);
      }
    }
  }

  private static void fail(StageSpec stage, List<Pending> items, RuntimeException failure) {
    String reason =
        failure instanceof AnabranchException
            ? String.valueOf(failure.getMessage())
            : failure.toString();
    for (Pending item : items) {
      item.fail(new ExecutionException(item.item().id(), stage.index(), reason, failure));
    }
  }

  private StageBatch pack(StageSpec stage, List<Pending> items) {
    List<StageSpec> ahead = plan.subList(stage.index(), plan.size());
    boolean frozenMatter = ahead.stream().anyMatch(StageSpec::mixes);
    boolean tailMatters = ahead.stream().anyMatch(s -> s.mixes() && s.grouping() == Grouping.WHOLE);
    List<Span> spans = new ArrayList<>(items.size());
    for (Pending item : items) {
      spans.add(
          new Span(
              stage.keepsState() ? stateOf(item) : null,
              item.rowsFor(stage, frozenMatter, tailMatters)));
    }
    return new StageBatch(stage.index(), spans, trace);
  }

  private SequenceState stateOf(Pending item) {
    SequenceState state = item.sequence();
    if (state == null) {
      state = model.newState(null);
      item.sequence(state);
    }
    return state;
  }

  private void decide(
      StageSpec stage, List<Pending> items, StageResult result, Departures leaving) {
    boolean ofItem = stage.point().head().pool().ofItem();
    boolean freezes =
        stage.point() instanceof Point.AtExit at
            && at.exit().bypass() == Exit.Bypass.FREEZE_PROJECT;
    FloatBuffer scores = result.scores();
    int first = 0;
    for (int n = 0; n < items.size(); n++) {
      Pending item = items.get(n);
      int[] running = item.running();
      item.moved(stage, result.rows(), first);
      item.traced(result.trace(), first);
      for (int u = 0; u < (ofItem ? 1 : running.length); u++) {
        int unit = ofItem ? 0 : running[u];
        int inBatch = ofItem ? n : first + u;
        if (ofItem || !item.frozen(unit)) {
          decide(stage, item, unit, inBatch, scores.get(inBatch), freezes, leaving);
        }
      }
      first += running.length;
    }
  }

  private static void decide(
      StageSpec stage,
      Pending item,
      int unit,
      int inBatch,
      float score,
      boolean freezes,
      Departures leaving) {
    boolean scored = item.scored(stage, unit);
    if (scored) {
      item.addHeadCost(stage.index());
    }
    if (item.leaves(stage, unit, score)) {
      item.left(stage, unit, score, freezes);
      leaving.add(item, unit, inBatch);
    } else if (scored && Float.isNaN(score)) {
      leaving.invalid++;
    }
  }

  private void read(StageSpec stage, StageResult result, Departures leaving) {
    int bytes = Math.multiplyExact(leaving.size(), 4 * stage.point().head().outputs());
    if (scratch.capacity() < bytes) {
      scratch = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
    scratch.clear();
    result.output(leaving.unitsInBatch(), scratch);
    leaving.deliver(scratch.flip().asFloatBuffer());
  }

  private void report(
      StageSpec stage,
      List<Pending> items,
      StageBatch batch,
      StageResult result,
      Departures leaving,
      long nanos) {
    int frozen = 0;
    int rows = 0;
    for (Span span : batch.spans()) {
      for (int i = 0; i < span.rows().size(); i++) {
        rows++;
        frozen += span.rows().frozen(i) ? 1 : 0;
      }
    }
    try {
      listener.batch(
          new EngineListener.Batch(
              stage.index(),
              items.size(),
              rows - frozen,
              frozen,
              leaving.size(),
              leaving.invalid,
              nanos,
              result.trace()));
    } catch (RuntimeException thrown) {
      LOG.log(System.Logger.Level.WARNING, "a listener threw", thrown);
    }
  }
}
