package anabranch.onnx.run;

import anabranch.backend.Trace;
import anabranch.onnx.attention.Angles;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One call of a stage on its way through the steps. Confined to one thread. */
final class StageRun {
  private final Packing packing;
  private final List<OnnxState.@Nullable Slot> slots;
  private final int width;
  private final BufferPool pool;
  private final Scope scope;
  private final @Nullable List<Trace.Choices> choices;
  private final Map<Angles, FloatBuffer[]> angles = new IdentityHashMap<>();
  private final Assignment assignment = new Assignment();

  /** Hidden vectors by place; frozen rows are the same in both. */
  private FloatBuffer x;

  private FloatBuffer spare;

  /** What the next step reads besides x: normed rows, router logits, an update to finish. */
  private final FloatBuffer normed;

  private @Nullable FloatBuffer logits;
  private @Nullable FloatBuffer update;

  /**
   * Starts a run.
   *
   * @param x hidden vectors by place
   * @param choices collects decisions; null where nobody asked
   */
  StageRun(
      Packing packing,
      List<OnnxState.@Nullable Slot> slots,
      int width,
      FloatBuffer x,
      BufferPool pool,
      Scope scope,
      @Nullable List<Trace.Choices> choices) {
    this.packing = packing;
    this.slots = slots;
    this.width = width;
    this.x = x;
    this.pool = pool;
    this.scope = scope;
    this.choices = choices;
    spare = scope.rows(packing.rows, width);
    normed = scope.rows(packing.rows, width);
    int frozen = packing.rows - packing.live;
    spare.put(packing.live * width, x, packing.live * width, frozen * width);
  }

  /** Runs a step. */
  void take(LoadedStep step) {
    if (step instanceof LoadedStep.Attend attend) {
      attend(attend);
    } else if (step instanceof LoadedStep.Tokenwise layers) {
      tokenwise(layers);
    } else if (step instanceof LoadedStep.Mix mix) {
      mix(mix);
    } else {
      throw new AssertionError(step);
    }
  }

  /** Returns the hidden vectors by place. */
  FloatBuffer hidden() {
    return x;
  }

  private void attend(LoadedStep.Attend attend) {
    int keyValueWidth = attend.step().attention().keyValueWidth();
    int queryWidth = attend.step().attention().queryWidth();
    update = packing.live == 0 ? null : scope.rows(packing.live, queryWidth);
    try (Scope inner = new Scope(pool)) {
      FloatBuffer k = inner.rows(packing.rows, keyValueWidth);
      FloatBuffer v = inner.rows(packing.rows, keyValueWidth);
      try (Call call = attend.keysAndValues().call()) {
        call.in("x", x, 0, packing.rows, width);
        if (attend.step().normed()) {
          call.out("n", normed, 0, packing.rows, width);
        }
        rotated(call, attend, "k", k, packing.rows, keyValueWidth);
        call.out("v", v, 0, packing.rows, keyValueWidth).run();
      }
      FloatBuffer q = inner.rows(Math.max(1, packing.live), queryWidth);
      if (packing.live > 0) {
        try (Call call = attend.query().call()) {
          call.in("n", attend.step().normed() ? normed : x, 0, packing.live, width);
          rotated(call, attend, "q", q, packing.live, queryWidth);
          call.run();
        }
      }
      for (int span = 0; span < packing.spans.size(); span++) {
        new SpanAttention(packing, span, attend, pool).run(slots.get(span), q, k, v, update);
      }
    }
  }

  private void rotated(
      Call call, LoadedStep.Attend attend, String name, FloatBuffer into, int rows, int out) {
    Angles turned = attend.angles();
    if (turned == null) {
      call.out(name, into, 0, rows, out);
      return;
    }
    FloatBuffer[] both =
        angles.computeIfAbsent(
            turned,
            a -> {
              FloatBuffer cos = scope.rows(packing.rows, a.half());
              FloatBuffer sin = scope.rows(packing.rows, a.half());
              a.write(packing.positions(), cos, sin);
              return new FloatBuffer[] {cos, sin};
            });
    call.in("cos", both[0], 0, 1, rows, turned.half());
    call.in("sin", both[1], 0, 1, rows, turned.half());
    call.out(name, into, 0, 1, rows, out);
  }

  private void tokenwise(LoadedStep.Tokenwise layers) {
    int live = packing.live;
    if (live == 0) {
      return;
    }
    int experts = layers.step().logits();
    try (Call call = layers.session().call()) {
      call.in("x", x, 0, live, width);
      if (layers.step().update() > 0) {
        call.in("u", present(update), 0, live, layers.step().update());
      }
      if (layers.step().moves()) {
        call.out("h", spare, 0, live, width);
      }
      if (layers.step().normed()) {
        call.out("n", normed, 0, live, width);
      }
      if (experts > 0) {
        logits = scope.rows(live, experts);
        call.out("logits", logits, 0, live, experts);
      }
      call.run();
    }
    if (layers.step().moves()) {
      swap();
    }
  }

  private void mix(LoadedStep.Mix mix) {
    Experts experts = mix.experts();
    experts.route(packing, logits == null ? normed : logits, assignment);
    if (choices != null) {
      choices.add(experts.choices(assignment));
    }
    if (packing.live == 0) {
      return;
    }
    FloatBuffer read = mix.step().normed() ? normed : x;
    if (mix.step().finished()) {
      experts.run(packing, assignment, read, spare, x, pool);
      swap();
    } else {
      update = scope.rows(packing.live, width);
      experts.run(packing, assignment, read, update, null, pool);
    }
    logits = null;
  }

  private void swap() {
    FloatBuffer moved = spare;
    spare = x;
    x = moved;
  }

  private static FloatBuffer present(@Nullable FloatBuffer buffer) {
    if (buffer == null) {
      throw new AssertionError("a step left nothing to finish");
    }
    return buffer;
  }
}
