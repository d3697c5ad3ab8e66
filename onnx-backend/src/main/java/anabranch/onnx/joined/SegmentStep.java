package anabranch.onnx.joined;

import anabranch.backend.Trace;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageCall;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A joined graph: one call for all live rows, and for those that show keys to the attention behind.
 * Where none is live, a row of zeros goes along, of which nothing is kept. Thread-safe.
 */
final class SegmentStep implements LoadedStep {
  private final Ports ports;
  private final Session session;

  SegmentStep(Ports ports, Session session) {
    this.ports = ports;
    this.session = session;
  }

  @Override
  public void take(StageRun run) {
    int live = run.packing.live;
    Ports.Front front = ports.front();
    boolean shows = front != null && run.packing.projecting > 0;
    if (live == 0 && !shows) {
      for (Ports.Routed each : ports.routed()) {
        trace(run, each, new float[0]);
      }
      if (front != null) {
        Scope none = new Scope(run.call.pool);
        FloatBuffer nothing = none.rows(0, 0);
        run.call.leave(front.reader(), new StageCall.Ahead(none, nothing, nothing, nothing));
      }
      return;
    }
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer[] logits = new FloatBuffer[ports.routed().size()];
      FloatBuffer[] decided = new FloatBuffer[logits.length];
      try (Call call = session.call()) {
        name(run, call, scope, logits, decided);
        call.run();
      }
      for (int i = 0; i < logits.length; i++) {
        decide(run, ports.routed().get(i), logits[i], decided[i]);
      }
    }
    if (ports.moves() && live > 0) {
      run.move();
    }
  }

  /** Names everything, and leaves the attention behind what it reads. */
  private void name(
      StageRun run, Call call, Scope scope, FloatBuffer[] logits, FloatBuffer[] decided) {
    Packing packing = run.packing;
    int width = run.width;
    int live = packing.live;
    int rows = Math.max(1, live);
    if (ports.reads()) {
      call.in("x", live == 0 ? zeros(scope, width) : run.x(), 0, rows, width);
    }
    if (ports.update() > 0) {
      int length = ports.update();
      call.in("u", live == 0 ? zeros(scope, length) : run.update(), 0, rows, length);
    }
    if (ports.moves()) {
      call.out("h", live == 0 ? scope.rows(1, width) : run.spare(), 0, rows, width);
    }
    if (ports.normed()) {
      call.out("n", live == 0 ? scope.rows(1, width) : run.normed(), 0, rows, width);
    }
    if (ports.logits() > 0) {
      FloatBuffer into = run.newLogits(rows, ports.logits());
      call.out("logits", into, 0, rows, ports.logits());
    }
    for (int i = 0; i < logits.length; i++) {
      Ports.Routed each = ports.routed().get(i);
      logits[i] = scope.rows(rows, each.members());
      decided[i] = scope.rows(rows, 2 * each.k());
      call.out(Ports.logitsOf(i), logits[i], 0, rows, each.members());
      call.out(Ports.decidedOf(i), decided[i], 0, rows, 2 * each.k());
    }
    if (ports.front() != null) {
      front(run, call, ports.front(), scope);
    }
  }

  private static void front(StageRun run, Call call, Ports.Front front, Scope scope) {
    Packing packing = run.packing;
    int width = run.width;
    int live = packing.live;
    int rows = Math.max(1, live);
    int others = packing.projecting - live;
    int all = rows + others;
    call.in("f", run.x(), live * width, others, width);
    if (front.angles() != null) {
      FloatBuffer[] both = run.angles(front.angles());
      int pairs = front.angles().pairs();
      call.in(
          "cos",
          live == 0 ? behind(both[0], others * pairs, pairs, scope) : both[0],
          0,
          1,
          all,
          pairs);
      call.in(
          "sin",
          live == 0 ? behind(both[1], others * pairs, pairs, scope) : both[1],
          0,
          1,
          all,
          pairs);
    }
    CoreShape shape = front.shape();
    Scope own = new Scope(run.call.pool);
    boolean left = false;
    try {
      FloatBuffer q = own.rows(rows, shape.queryWidth());
      FloatBuffer k = own.rows(all, shape.keyWidth());
      FloatBuffer v = own.rows(all, shape.valueWidth());
      vectors(call, front, "q", q, rows, shape.queryWidth());
      vectors(call, front, "k", k, all, shape.keyWidth());
      if (shape.valueWidth() > 0) {
        call.out("v", v, 0, all, shape.valueWidth());
      }
      StageCall.Ahead made = new StageCall.Ahead(own, q, k, v);
      run.call.leave(front.reader(), live > 0 ? made : withoutFirst(shape, made));
      left = true;
    } finally {
      if (!left) {
        own.close();
      }
    }
  }

  private static void vectors(
      Call call, Ports.Front front, String name, FloatBuffer into, int rows, int length) {
    if (front.angles() == null) {
      call.out(name, into, 0, rows, length);
    } else {
      call.out(name, into, 0, 1, rows, length);
    }
  }

  private static StageCall.Ahead withoutFirst(CoreShape shape, StageCall.Ahead made) {
    FloatBuffer k = made.k();
    FloatBuffer v = made.v();
    int value = shape.valueWidth();
    return new StageCall.Ahead(
        made.scope(),
        made.q(),
        k.slice(shape.keyWidth(), k.capacity() - shape.keyWidth()),
        v.slice(value, v.capacity() - value));
  }

  private static FloatBuffer zeros(Scope scope, int length) {
    return scope.rows(1, length).put(0, new float[length]);
  }

  /** Returns numbers behind those of one more row. */
  private static FloatBuffer behind(FloatBuffer from, int count, int first, Scope scope) {
    FloatBuffer all = scope.rows(1, first + count).put(0, new float[first]);
    return all.put(first, from, 0, count);
  }

  /** Checks what was decided as the host does, and says it where the call is traced. */
  private static void decide(
      StageRun run, Ports.Routed routed, FloatBuffer logits, FloatBuffer decided) {
    int live = run.packing.live;
    float[] numbers = new float[live * routed.members()];
    logits.get(0, numbers);
    float[] choices = new float[live * 2 * routed.k()];
    decided.get(0, choices);
    if (!finite(numbers) || !finite(choices)) {
      // The host refuses the same row, and its words name the expert.
      routed.bank().decide(run, run.x(), logits, live);
      throw new ArithmeticException(routed.bank().path() + ": a gate is not finite");
    }
    trace(run, routed, choices);
  }

  private static boolean finite(float[] numbers) {
    float sum = 0;
    for (float number : numbers) {
      sum += 0 * number;
    }
    return sum == 0;
  }

  private static void trace(StageRun run, Ports.Routed routed, float[] decided) {
    List<Trace.Choices> into = run.call.choices();
    if (into == null) {
      return;
    }
    Packing packing = run.packing;
    int k = routed.k();
    int[] experts = new int[run.call.batch().rows * k];
    float[] gates = new float[experts.length];
    int[] counts = new int[routed.members()];
    Arrays.fill(experts, -1);
    for (int row = 0; row < packing.rows; row++) {
      for (int i = 0; packing.isLive(row) && i < k; i++) {
        int at = packing.place(row) * 2 * k + i;
        int choice = packing.inBatch(row) * k + i;
        experts[choice] = (int) decided[at];
        gates[choice] = decided[at + k];
        counts[experts[choice]]++;
      }
    }
    into.add(
        new Trace.Choices(
            routed.bank().path(),
            run.visit() + routed.later(),
            k,
            IntBuffer.wrap(experts),
            FloatBuffer.wrap(gates),
            IntBuffer.wrap(counts)));
  }
}
