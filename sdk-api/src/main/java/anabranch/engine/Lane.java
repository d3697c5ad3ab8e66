package anabranch.engine;

import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.engine.rows.Held;
import anabranch.engine.rows.Route;
import anabranch.engine.rows.Tally;
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
  static final System.Logger LOG = System.getLogger(Engine.class.getName());

  private final boolean trace;
  private final EngineListener listener;

  /** Those of the batch that runs. */
  private final List<Lease.Answer> answers = new ArrayList<>();

  private ByteBuffer scratch = ByteBuffer.allocateDirect(0);

  Lane(boolean trace, EngineListener listener) {
    this.trace = trace;
    this.listener = listener;
  }

  /**
   * One batch and where it runs.
   *
   * @param stage of the model that runs it
   */
  private record Run(Service service, Route.Leg leg, Stage stage, Schedule.Batch<Pending> batch) {}

  /**
   * An item that goes on.
   *
   * @param step the next one in which some of its rows run
   * @param arrival its number in the schedule
   */
  record Onward(Pending item, int step, long arrival) {}

  /** Runs a batch through its step and gives back what goes on; never throws. */
  void run(Service.Work work, Desk desk) {
    Schedule.Batch<Pending> batch = work.batch();
    Service service = work.service();
    Route.Leg leg = service.route.legs().get(batch.step());
    List<Onward> onward = List.of();
    long start = System.nanoTime();
    int rows = 0;
    try {
      List<Pending> entering = new ArrayList<>();
      for (Pending item : batch.items()) {
        if (!item.unwanted() && item.enter(leg)) {
          entering.add(item);
          rows += item.running();
        }
      }
      for (Pending fills : batch.fills()) {
        if (fills.enter(leg)) {
          entering.add(fills);
          rows += fills.running();
        }
      }
      if (!entering.isEmpty()) {
        Stage stage = service.model.stages().get(leg.stage().index());
        attempt(new Run(service, leg, stage, batch), entering);
      }
      onward = onward(service.route, batch);
    } catch (Throwable broken) {
      LOG.log(System.Logger.Level.ERROR, "a batch of " + batch.items().size() + " broke", broken);
      List<Pending> all = new ArrayList<>(batch.items());
      all.addAll(batch.fills());
      for (Pending pending : all) {
        String id = pending.item().id();
        pending.fail(new ExecutionException(id, leg.index(), "the batch broke", broken));
      }
    } finally {
      try {
        show(desk);
      } catch (Throwable broken) {
        LOG.log(System.Logger.Level.ERROR, "answers of a batch were not all counted", broken);
      } finally {
        answers.clear();
        desk.done(work, rows, System.nanoTime() - start, onward);
      }
    }
  }

  /** Shows answers that were taken, when their places are free again. */
  private void show(Desk desk) {
    if (!answers.isEmpty()) {
      List<Runnable> after = List.of();
      try {
        after = desk.ended(answers, EngineListener.Outcome.ANSWERED);
      } finally {
        answers.forEach(Lease.Answer::show);
        after.forEach(Runnable::run);
      }
    }
  }

  /** Returns the items that have rows to run, each with its next step. */
  private static List<Onward> onward(Route route, Schedule.Batch<Pending> batch) {
    List<Onward> onward = new ArrayList<>();
    for (int i = 0; i < batch.items().size(); i++) {
      Pending item = batch.items().get(i);
      if (item.over()) {
        continue;
      }
      int step = batch.step() + 1;
      while (!item.enter(route.legs().get(step))) {
        step++;
      }
      onward.add(new Onward(item, step, batch.arrivals().get(i)));
    }
    return onward;
  }

  /** Runs items together; if that fails, each alone, so that only the one to blame fails. */
  private void attempt(Run run, List<Pending> items) {
    Route.Leg leg = run.leg;
    long start = System.nanoTime();
    StageBatch batch;
    StageResult result;
    try {
      batch = pack(run, items);
      result = run.stage.run(batch);
    } catch (RuntimeException failure) {
      if (items.size() == 1) {
        fail(leg, items.get(0), failure);
      } else {
        items.forEach(item -> attempt(run, List.of(item)));
      }
      return;
    }
    Held rows = new Held(result.rows(), run.service.pins);
    try (result) {
      Decisions decisions = new Decisions(leg, items.size(), trace);
      decisions.take(items, result, rows);
      read(leg, result, decisions);
      report(run, items, batch, result, decisions, System.nanoTime() - start);
    } catch (RuntimeException failure) {
      items.forEach(item -> fail(leg, item, failure));
      return;
    } finally {
      rows.release();
    }
    for (Pending item : items) {
      item.ran(leg);
      if (item.remembers()) {
        remember(run, item);
      }
      if (item.deliver()) {
        answers.add(item.answer());
      }
    }
  }

  private static void remember(Run run, Pending item) {
    try {
      item.state(run.service.model.newState(item.memory()));
    } catch (RuntimeException failure) {
      fail(run.leg, item, failure);
    }
  }

  private static void fail(Route.Leg leg, Pending item, RuntimeException failure) {
    String reason =
        failure instanceof AnabranchException
            ? String.valueOf(failure.getMessage())
            : failure.toString();
    item.fail(new ExecutionException(item.item().id(), leg.index(), reason, failure));
  }

  private StageBatch pack(Run run, List<Pending> items) {
    List<Span> spans = new ArrayList<>(items.size());
    for (Pending item : items) {
      SequenceState state = run.leg.stage().keepsState() ? stateOf(run.service.model, item) : null;
      spans.add(new Span(state, item.pack(run.leg)));
    }
    return new StageBatch(run.leg.index(), spans, trace);
  }

  private static SequenceState stateOf(LoadedModel model, Pending item) {
    SequenceState state = item.state();
    if (state == null) {
      state = model.newState(null);
      item.state(state);
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
      Run run,
      List<Pending> items,
      StageBatch batch,
      StageResult result,
      Decisions decisions,
      long nanos) {
    int frozen = 0;
    int rows = 0;
    int fills = 0;
    int owners = 0;
    for (int n = 0; n < items.size(); n++) {
      Rows span = batch.spans().get(n).rows();
      for (int i = 0; i < span.size(); i++) {
        rows++;
        frozen += span.frozen(i) ? 1 : 0;
      }
      fills += items.get(n).fillsOnly() ? span.size() : 0;
      owners += items.get(n).fillsOnly() ? 0 : 1;
    }
    listener.batch(
        new EngineListener.Batch(
            run.service.version,
            run.leg.index(),
            run.batch.reason(),
            run.batch.waited(),
            owners,
            rows - frozen,
            frozen,
            fills,
            decisions.left(),
            decisions.forced(),
            decisions.pruned(),
            decisions.invalid(),
            decisions.audited(),
            decisions.disagreed(),
            work(decisions.tally()),
            nanos,
            result.trace()));
  }

  private static EngineListener.Work work(Tally tally) {
    return new EngineListener.Work(
        share(tally, Tally.Kind.OWN),
        share(tally, Tally.Kind.KEPT),
        share(tally, Tally.Kind.FILL),
        share(tally, Tally.Kind.SHADOW),
        tally.heads(),
        tally.shadowHeads(),
        tally.aside());
  }

  private static EngineListener.Share share(Tally tally, Tally.Kind kind) {
    return new EngineListener.Share(tally.rows(kind), tally.flops(kind));
  }
}
