package anabranch.onnx.step;

import anabranch.model.layer.Attention;
import anabranch.model.layer.RoutedHeads;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Bank;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import anabranch.onnx.graph.CoreShape;
import anabranch.onnx.graph.Step;
import anabranch.onnx.member.MemberCalls;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.routing.Assignment;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/** An attention whose heads are routed. Thread-safe. */
final class RoutedAttendStep implements LoadedStep {
  private final Step.AttendRouted step;
  private final Attention attention;
  private final RoutedHeads routed;
  private final AttendStep attend;
  private final CoreShape shape;
  private final Bank bank;
  private final @Nullable Session logits;
  private final @Nullable Session rotation;
  private final MemberCalls queries;
  private final MemberCalls results;
  private final float[] constant;

  /**
   * Creates a step.
   *
   * @param attend shows keys and answers queries
   * @param logits of live rows; null where the router does not read them
   * @param rotation of queries; null for none
   * @param constant what is added to every row's sum; empty for nothing
   */
  RoutedAttendStep(
      Step.AttendRouted step,
      RoutedHeads routed,
      AttendStep attend,
      Bank bank,
      @Nullable Session logits,
      @Nullable Session rotation,
      MemberCalls queries,
      MemberCalls results,
      float[] constant) {
    this.step = step;
    this.attention = step.attend().attention();
    this.routed = routed;
    this.attend = attend;
    this.shape = CoreShape.of(attention);
    this.bank = bank;
    this.logits = logits;
    this.rotation = rotation;
    this.queries = queries;
    this.results = results;
    this.constant = constant;
  }

  @Override
  public void take(StageRun run) {
    int live = run.packing.live;
    int width = run.width;
    boolean behind = step.finish() == Step.Finish.BEHIND;
    try (Scope scope = new Scope(run.call.pool)) {
      Shown shown = attend.show(run, scope);
      FloatBuffer read = attend.read(run);
      Assignment assignment = bank.decide(run, read, logits(run, read, scope), live);
      Dispatch dispatch = new Dispatch(run.packing, assignment, routed.experts());
      dispatch.trace(run, step.attend().path(), assignment);
      FloatBuffer o = scope.rows(live, shape.resultWidth());
      attend.attend(run, ask(run, dispatch, read, scope), shown, o);
      if (live == 0) {
        return;
      }
      FloatBuffer y = project(dispatch, o, scope);
      FloatBuffer from = step.finish() == Step.Finish.ADDED ? run.x() : null;
      FloatBuffer into = behind ? run.newUpdate(width) : run.spare();
      Sums sums = new Sums(into, from, live, width, new Sums.Rest(constant, null));
      sums.add(dispatch, 0, dispatch.size(), y, true);
      sums.end();
    }
    if (!behind) {
      run.move();
    }
  }

  private @Nullable FloatBuffer logits(StageRun run, FloatBuffer read, Scope scope) {
    int live = run.packing.live;
    if (logits == null) {
      return null;
    }
    FloatBuffer z = scope.rows(live, routed.experts());
    if (live > 0) {
      try (Call call = logits.call()) {
        call.in("n", read, 0, live, run.width).out("logits", z, 0, live, routed.experts()).run();
      }
    }
    return z;
  }

  /** Returns the queries of all experts of each row, in the order of the groups they ask. */
  private FloatBuffer ask(StageRun run, Dispatch dispatch, FloatBuffer read, Scope scope) {
    int live = run.packing.live;
    int each = attention.queryWidth();
    FloatBuffer own = queries.call(dispatch, read, run.width, 0, run.call.pool, scope);
    FloatBuffer q = scope.rows(live, shape.queryWidth());
    for (int place = 0; place < live; place++) {
      for (int i = 0; i < dispatch.experts(place); i++) {
        for (int head = 0; head < attention.heads(); head++) {
          int from = dispatch.slot(place, i) * each + head * shape.width();
          q.put(place * shape.queryWidth() + at(i, head), own, from, shape.width());
        }
      }
    }
    if (rotation == null || live == 0) {
      return q;
    }
    FloatBuffer turned = scope.rows(live, shape.queryWidth());
    try (Call call = rotation.call()) {
      call.in("q", q, 0, live, shape.queryWidth());
      attend.rotated(run, call, "r", turned, 0, live, shape.queryWidth());
      call.run();
    }
    return turned;
  }

  /** Returns where a head of a row's i-th expert stands: heads of one group stand together. */
  private int at(int i, int head) {
    int shared = attention.heads() / attention.keyValueHeads();
    int group = head / shared;
    return ((group * routed.k() + i) * shared + head % shared) * shape.width();
  }

  /** Returns what each expert makes of what its heads read, by slot. */
  private FloatBuffer project(Dispatch dispatch, FloatBuffer o, Scope scope) {
    int each = attention.resultWidth();
    FloatBuffer read = scope.rows(dispatch.size(), each);
    int rows = dispatch.rows();
    for (int place = 0; place < rows; place++) {
      for (int i = 0; i < dispatch.experts(place); i++) {
        for (int head = 0; head < attention.heads(); head++) {
          int to = dispatch.slot(place, i) * each + head * shape.width();
          read.put(to, o, place * shape.resultWidth() + at(i, head), shape.width());
        }
      }
    }
    return results.call(dispatch, read, scope);
  }
}
