package anabranch.onnx.run;

import anabranch.backend.Rows;
import anabranch.backend.Span;
import anabranch.backend.Stage;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.model.facts.StageSpec;
import anabranch.model.layer.Bypass;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageCall;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.embed.Embedder;
import anabranch.onnx.head.PointRunner;
import anabranch.onnx.head.Reading;
import anabranch.onnx.head.Scores;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.OnnxRows;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.state.Layout;
import anabranch.onnx.state.OnnxState;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A loaded stage. Thread-safe: of the calls that ran together, one is kept for the next. */
final class OnnxStage implements Stage {
  private static final OnnxState[] NO_STATES = {};

  private final OnnxModel model;
  private final StageSpec stage;
  private final int most;
  private final Parts parts;
  private final AtomicReference<@Nullable StageCall> idle = new AtomicReference<>();

  /**
   * What a stage is made of.
   *
   * @param embedder makes rows of events; null where rows come from earlier stages
   * @param visits for each visit the steps of its blocks
   * @param body the steps of the head's body; null where it has none
   * @param point what stands behind
   * @param received the attention that the point asks about; null for none
   */
  record Parts(
      @Nullable Embedder embedder,
      List<List<List<LoadedStep>>> visits,
      @Nullable List<LoadedStep> body,
      PointRunner point,
      StageCall.@Nullable Received received) {}

  OnnxStage(OnnxModel model, StageSpec stage, int most, Parts parts) {
    this.model = model;
    this.stage = stage;
    this.most = most;
    this.parts = parts;
  }

  OnnxModel model() {
    return model;
  }

  /** Returns what stands behind. */
  PointRunner point() {
    return parts.point;
  }

  @Override
  public StageResult run(StageBatch batch) {
    model.enter();
    try {
      model.layout().check(batch.slot(), stage);
      @Nullable OnnxState[] states = states(batch);
      boolean complete = false;
      try {
        StageResult result = compute(batch, states);
        complete = true;
        return result;
      } finally {
        for (OnnxState state : states) {
          if (state != null && !complete) {
            state.discard();
          }
        }
      }
    } finally {
      model.leave();
    }
  }

  private StageResult compute(StageBatch batch, @Nullable OnnxState[] states) {
    Role frozen = stage.frozen() == Bypass.FREEZE_SHARE_KV ? Role.SHARED : Role.PROJECTED;
    Packing packing = Packing.of(batch, frozen);
    packing.checkPositions(most);
    int width = model.spec().width();
    BufferPool pool = model.pool();
    OnnxRows rows = null;
    OnnxRows body = null;
    Scores scores = null;
    boolean complete = false;
    StageCall kept = idle.getAndSet(null);
    StageCall own =
        kept == null ? new StageCall(model.layout(), pool, width, parts.received) : kept;
    try (StageCall call = own) {
      call.begin(batch.slot(), packing, states, batch.trace());
      FloatBuffer x = call.scope.rows(packing.rows, width);
      enter(packing, x, width);
      FloatBuffer entered = parts.point.compares() ? call.scope.rows(packing.rows, width) : null;
      if (entered != null) {
        packing.scatter(x, entered, width);
      }
      rows = inBatchOrder(call, visits(call, x));
      body = rows;
      if (parts.body != null) {
        body = new OnnxRows(pool, packing.rows, width);
        body(call, parts.body, rows.buffer(), body.buffer());
      }
      Reading reading =
          new Reading(
              packing,
              rows.buffer(),
              body.buffer(),
              entered,
              call.received(),
              call.shown(),
              memory(batch.slot(), packing, states));
      scores = parts.point.scores(reading, pool);
      Trace trace = call.choices() == null ? Trace.none() : new Trace(call.choices());
      StageResult answer = new OnnxResult(this, packing, rows, body, scores, trace);
      publish(batch, states);
      complete = true;
      return answer;
    } finally {
      if (!complete && rows != null) {
        rows.close();
      }
      if (!complete && scores != null) {
        scores.release(pool);
      }
      if (body != null && body != rows) {
        body.close();
      }
      idle.set(own);
    }
  }

  private void enter(Packing packing, FloatBuffer x, int width) {
    if (parts.embedder == null) {
      packing.gather(x, width);
    } else if (packing.live < packing.rows) {
      throw new IllegalArgumentException("a row is frozen in the first stage, before any exit");
    } else {
      parts.embedder.embed(packing.spans, packing.rows, x, model.pool());
    }
  }

  /** Returns rows as their batch has them; those that stand so already are handed over. */
  private static OnnxRows inBatchOrder(StageCall call, FloatBuffer made) {
    Packing packing = call.batch();
    if (packing.live == packing.rows) {
      return new OnnxRows(call.pool, call.scope.handOver(made), packing.rows, call.width);
    }
    OnnxRows rows = new OnnxRows(call.pool, packing.rows, call.width);
    packing.scatter(made, rows.buffer(), call.width);
    return rows;
  }

  private FloatBuffer visits(StageCall call, FloatBuffer first) {
    FloatBuffer x = first;
    StageRun run = null;
    int member = 0;
    for (int visit = 0; visit < parts.visits.size(); visit++) {
      List<List<LoadedStep>> blocks = parts.visits.get(visit);
      if (blocks.size() == 1) {
        run = run == null ? call.run(visit, member, x) : run;
        x = run.through(blocks.get(0), visit, member);
      } else {
        mean(call, visit, member, x);
      }
      member += blocks.size();
    }
    return x;
  }

  /** Replaces live rows by the mean of what the blocks of a visit make of them. */
  private void mean(StageCall call, int visit, int member, FloatBuffer x) {
    Packing packing = call.batch();
    List<List<LoadedStep>> blocks = parts.visits.get(visit);
    float[] sum = new float[packing.live * call.width];
    for (int b = 0; b < blocks.size(); b++) {
      try (Scope inner = new Scope(model.pool())) {
        FloatBuffer copy = inner.rows(packing.rows, call.width);
        copy.put(0, x, 0, packing.rows * call.width);
        FloatBuffer result =
            new StageRun(call, packing, inner, visit, member + b, copy).through(blocks.get(b));
        for (int i = 0; i < sum.length; i++) {
          sum[i] += result.get(i);
        }
      }
    }
    for (int i = 0; i < sum.length; i++) {
      sum[i] /= blocks.size();
    }
    x.put(0, sum);
  }

  /** Runs the body of the head on a copy of all rows; those that left feed its recurrences. */
  private static void body(
      StageCall call, List<LoadedStep> steps, FloatBuffer rows, FloatBuffer into) {
    Packing packing = call.batch();
    Role[] roles = new Role[packing.rows];
    for (int row = 0; row < roles.length; row++) {
      roles[row] = packing.isLive(row) ? Role.LIVE : Role.PROJECTED;
    }
    Packing within = packing.within(roles);
    FloatBuffer x = call.scope.rows(within.rows, call.width);
    within.gatherFromBatch(rows, x, call.width);
    StageRun run = new StageRun(call, within, call.scope, Layout.BODY, Layout.BODY, x);
    within.scatter(run.through(steps), into, call.width);
  }

  private float @Nullable [] @Nullable [] memory(
      int slot, Packing packing, @Nullable OnnxState[] states) {
    Layout.Entry entry = model.layout().choice(slot);
    if (entry == null) {
      return null;
    }
    float[][] vectors = new float[packing.spans.size()][];
    for (int span = 0; span < vectors.length; span++) {
      OnnxState state = states.length == 0 ? null : states[span];
      float[] vector = state == null ? null : state.numbers(entry).current();
      vectors[span] = vector == null ? new float[0] : vector;
    }
    return vectors;
  }

  /** Returns the state of each span where it lasts; nothing where none does. */
  private @Nullable OnnxState[] states(StageBatch batch) {
    @Nullable OnnxState[] states = NO_STATES;
    for (int s = 0; s < batch.spans().size(); s++) {
      Span span = batch.spans().get(s);
      if (span.state() instanceof OnnxState state && state.layout() == model.layout()) {
        states = states.length == 0 ? new @Nullable OnnxState[batch.spans().size()] : states;
        states[s] = checked(batch.slot(), span, state);
      } else if (stage.keepsState() && !stage.encoder() || span.state() != null) {
        throw new IllegalArgumentException(
            "stage " + stage.index() + " keeps state, and a span has none of this model");
      }
    }
    return states;
  }

  private OnnxState checked(int slot, Span span, OnnxState state) {
    Rows rows = span.rows();
    if (rows.size() > 0 && rows.position(0) <= state.last(slot)) {
      throw new IllegalArgumentException(
          "position "
              + rows.position(0)
              + " has passed stage "
              + stage.index()
              + " already, up to "
              + state.last(slot));
    }
    return state;
  }

  private void publish(StageBatch batch, @Nullable OnnxState[] states) {
    if (parts.embedder != null) {
      parts.embedder.remember(batch.spans());
    }
    for (int s = 0; s < states.length; s++) {
      OnnxState state = states[s];
      if (state != null) {
        Rows rows = batch.spans().get(s).rows();
        state.publish(batch.slot(), rows.position(rows.size() - 1));
      }
    }
  }
}
