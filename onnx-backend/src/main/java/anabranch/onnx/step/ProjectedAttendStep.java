package anabranch.onnx.step;

import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.dispatch.Dispatch;
import anabranch.onnx.dispatch.Sums;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.FloatBuffer;
import java.util.List;

/** An attention whose projections are routed for each head. Thread-safe. */
final class ProjectedAttendStep implements LoadedStep {

  private final Step.Finish finish;
  private final int headWidth;
  private final AttendStep attend;
  private final Session logits;
  private final List<HeadExperts> values;
  private final List<HeadExperts> results;

  /**
   * Creates a step.
   *
   * @param attend shows keys, and logits of all heads of the values, and answers queries
   * @param logits of all heads of the result
   * @param values those of each head
   * @param results those of each head
   */
  ProjectedAttendStep(
      Step.AttendProjected step,
      AttendStep attend,
      Session logits,
      List<HeadExperts> values,
      List<HeadExperts> results) {
    this.finish = step.finish();
    this.headWidth = step.attend().attention().headWidth();
    this.attend = attend;
    this.logits = logits;
    this.values = List.copyOf(values);
    this.results = List.copyOf(results);
  }

  @Override
  public void take(StageRun run) {
    boolean behind = finish == Step.Finish.BEHIND;
    try (Scope scope = new Scope(run.call.pool)) {
      Shown shown = attend.show(run, "z", length(values), scope);
      FloatBuffer read = attend.read(run);
      FloatBuffer v = values(run, read, shown.values(), scope);
      FloatBuffer q = attend.queries(run, read, scope);
      FloatBuffer o = scope.rows(run.packing.live, results.size() * headWidth);
      attend.attend(run, q, new Shown(shown.keys(), v), o);
      results(run, read, o, scope);
    }
    if (!behind && run.packing.live > 0) {
      run.move();
    }
  }

  private static int length(List<HeadExperts> heads) {
    return heads.size() * heads.get(0).bank().logits();
  }

  /** Returns the values of the rows that show some, by place. */
  private FloatBuffer values(StageRun run, FloatBuffer read, FloatBuffer z, Scope scope) {
    int showing = run.packing.projecting;
    int all = values.size() * headWidth;
    FloatBuffer v = scope.rows(showing, all);
    for (int h = 0; h < values.size(); h++) {
      HeadExperts head = values.get(h);
      int at = h * head.bank().logits();
      Dispatch dispatch = head.route(run, showing, read, z, length(values), at);
      try (Scope inner = new Scope(run.call.pool)) {
        FloatBuffer made = head.results(dispatch, read, run.width, 0, run.call.pool, inner);
        FloatBuffer sum = inner.rows(showing, headWidth);
        Sums sums = new Sums(sum, null, showing, headWidth, Sums.Rest.NONE);
        sums.add(dispatch, 0, dispatch.size(), made, true);
        sums.end();
        for (int place = 0; place < showing; place++) {
          v.put(place * all + h * headWidth, sum, place * headWidth, headWidth);
        }
      }
    }
    return v;
  }

  /** Writes the sum over heads of what experts make of what each reads, as it is finished. */
  private void results(StageRun run, FloatBuffer read, FloatBuffer o, Scope scope) {
    int live = run.packing.live;
    int width = run.width;
    int length = length(results);
    FloatBuffer z = scope.rows(live, length);
    if (live > 0) {
      try (Call call = logits.call()) {
        call.in("n", read, 0, live, width).out("z", z, 0, live, length).run();
      }
    }
    FloatBuffer into = finish == Step.Finish.BEHIND ? run.newUpdate(width) : run.spare();
    FloatBuffer from = finish == Step.Finish.ADDED ? run.x() : null;
    Sums sums = Sums.ofSeveral(into, from, live, width, Sums.Rest.NONE);
    for (int h = 0; h < results.size(); h++) {
      HeadExperts head = results.get(h);
      Dispatch dispatch = head.route(run, live, read, z, length, h * head.bank().logits());
      try (Scope inner = new Scope(run.call.pool)) {
        int all = results.size() * headWidth;
        FloatBuffer made = head.results(dispatch, o, all, h * headWidth, run.call.pool, inner);
        sums.add(dispatch, 0, dispatch.size(), made, true);
      }
    }
    sums.end();
  }
}
