package anabranch.engine;

import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.engine.schedule.Schedule;
import anabranch.error.AnabranchException;
import anabranch.error.ExecutionException;
import anabranch.model.plan.Head;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs batches, each through one step of a model, and says where its items go on. An item sits out
 * the steps that none of its rows runs in. Behind the encoder an item's rows become the memory of
 * its sequence. Confined to one thread.
 */
final class Lane {
  private static final System.Logger LOG = System.getLogger(Engine.class.getName());

  private final LoadedModel model;
  private final Route route;
  private final List<Stage> stages;
  private final boolean trace;
  private final EngineListener listener;
  private ByteBuffer scratch = ByteBuffer.allocateDirect(0);

  Lane(LoadedModel model, Route route, boolean trace, EngineListener listener) {
    this.model = model;
    this.route = route;
    this.stages = model.stages();
    this.trace = trace;
    this.listener = listener;
  }

  /** Runs a batch through its step and gives back what goes on; never throws. */
  void run(Schedule.Batch<Pending> batch, Desk desk) {
    Route.Leg leg = route.legs().get(batch.step());
    List<Desk.Onward> onward = List.of();
    long start = System.nanoTime();
    int rows = 0;
    try {
      List<Pending> items = Pending.wanted(batch.items());
      for (Pending item : items) {
        item.enter(leg);
        rows += item.running();
      }
      if (!items.isEmpty()) {
        attempt(leg, items);
      }
      onward = onward(batch);
    } catch (Throwable broken) {
      LOG.log(System.Logger.Level.ERROR, "a batch of " + batch.items().size() + " broke", broken);
      for (Pending pending : batch.items()) {
        String id = pending.item().id();
        pending.fail(new ExecutionException(id, leg.index(), "the batch broke", broken));
      }
    } finally {
      desk.done(batch, rows, System.nanoTime() - start, onward);
    }
  }

  /** Returns the items that have rows to run, each with its next step. */
  private List<Desk.Onward> onward(Schedule.Batch<Pending> batch) {
    List<Desk.Onward> onward = new ArrayList<>();
    for (int i = 0; i < batch.items().size(); i++) {
      Pending item = batch.items().get(i);
      if (item.answer().isDone()) {
        item.abandon();
        continue;
      }
      int step = batch.step() + 1;
      while (!item.enter(route.legs().get(step))) {
        step++;
      }
      onward.add(new Desk.Onward(item, step, batch.arrivals().get(i)));
    }
    return onward;
  }

  /** Runs items together; if that fails, each alone, so that only the one to blame fails. */
  private void attempt(Route.Leg leg, List<Pending> items) {
    long start = System.nanoTime();
    StageBatch batch;
    StageResult result;
    try {
      batch = pack(leg, items);
      result = stages.get(leg.stage().index()).run(batch);
    } catch (RuntimeException failure) {
      if (items.size() == 1) {
        fail(leg, items.get(0), failure);
      } else {
        items.forEach(item -> attempt(leg, List.of(item)));
      }
      return;
    }
    Track.Held rows = new Track.Held(result.rows());
    try (result) {
      Decisions decisions = new Decisions(leg, items.size());
      decisions.take(items, result, rows);
      read(leg, result, decisions);
      report(leg, items, batch, result, decisions, System.nanoTime() - start);
    } catch (RuntimeException failure) {
      items.forEach(item -> fail(leg, item, failure));
      return;
    } finally {
      rows.release();
    }
    for (Pending item : items) {
      if (item.finished()) {
        item.complete();
      } else if (item.remembers()) {
        remember(leg, item);
      }
    }
  }

  private void remember(Route.Leg leg, Pending item) {
    try {
      item.sequence(model.newState(item.memory()));
    } catch (RuntimeException failure) {
      fail(leg, item, failure);
    }
  }

  private static void fail(Route.Leg leg, Pending item, RuntimeException failure) {
    String reason =
        failure instanceof AnabranchException
            ? String.valueOf(failure.getMessage())
            : failure.toString();
    item.fail(new ExecutionException(item.item().id(), leg.index(), reason, failure));
  }

  private StageBatch pack(Route.Leg leg, List<Pending> items) {
    List<Span> spans = new ArrayList<>(items.size());
    for (Pending item : items) {
      SequenceState state = leg.stage().keepsState() ? stateOf(item) : null;
      spans.add(new Span(state, item.track(leg).pack(leg, item)));
    }
    return new StageBatch(leg.index(), spans, trace);
  }

  private SequenceState stateOf(Pending item) {
    SequenceState state = item.sequence();
    if (state == null) {
      state = model.newState(null);
      item.sequence(state);
    }
    return state;
  }

  private void read(Route.Leg leg, StageResult result, Decisions decisions) {
    Head head = leg.point().head();
    int[] units = decisions.unitsInBatch();
    if (head == null || units.length == 0) {
      return;
    }
    int bytes = Math.multiplyExact(units.length, 4 * head.outputs());
    if (scratch.capacity() < bytes) {
      scratch = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
    scratch.clear();
    result.output(units, scratch);
    decisions.deliver(scratch.flip().asFloatBuffer());
  }

  private void report(
      Route.Leg leg,
      List<Pending> items,
      StageBatch batch,
      StageResult result,
      Decisions decisions,
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
              leg.index(),
              items.size(),
              rows - frozen,
              frozen,
              decisions.left(),
              decisions.invalid(),
              nanos,
              result.trace()));
    } catch (RuntimeException thrown) {
      LOG.log(System.Logger.Level.WARNING, "a listener threw", thrown);
    }
  }
}
