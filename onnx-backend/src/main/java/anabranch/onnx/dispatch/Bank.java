package anabranch.onnx.dispatch;

import anabranch.backend.Event;
import anabranch.model.layer.Skip;
import anabranch.model.route.Router;
import anabranch.model.route.Source;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import anabranch.routing.Assignment;
import anabranch.routing.Routing;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The router of a mixture or a skip. Thread-safe.
 *
 * @param path of what it routes
 * @param router the description
 * @param logits how many numbers decide
 * @param routing takes the decisions
 * @param session maps one vector for each sequence, or each condition, to logits; null where rows
 *     have their own
 */
public record Bank(
    String path, Router router, int logits, Routing routing, @Nullable Session session) {
  /**
   * Decides for every row of the call.
   *
   * @param read what the members read, by place
   * @param rowLogits of rows that are asked, in order, where the router reads rows
   * @param asking the places of rows that are asked are below this
   */
  public Assignment decide(
      StageRun run, FloatBuffer read, @Nullable FloatBuffer rowLogits, int asking) {
    boolean keeps = router.source() == Source.PROMPT_MEAN;
    RouterRows rows = new RouterRows(run, asking, this);
    Assignment assignment = new Assignment();
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer given = null;
      if (session != null) {
        given =
            router.source() == Source.CONDITION
                ? ofConditions(run, rows, session, scope)
                : ofSequences(run, session, read, scope);
      } else if (router.logits().ofVectors()) {
        boolean own = router.hasWeight() && rowLogits != null;
        given = own ? rowLogits : scope.rows(run.packing.live, logits);
        run.call.carry(router.logits(), given, run.packing.live * logits);
      }
      routing.decide(rows, given, assignment);
    }
    if (keeps) {
      keep(run, assignment);
    }
    return assignment;
  }

  /** Returns what an earlier event of a sequence decided for good; null where nothing was. */
  public @Nullable Float kept(StageRun run, int span) {
    if (router.source() != Source.PROMPT_MEAN) {
      return null;
    }
    float[] kept = run.call.state(span).numbers(run.entry(path)).current();
    return kept == null ? null : kept[0];
  }

  private FloatBuffer ofSequences(StageRun run, Session means, FloatBuffer read, Scope scope) {
    Packing packing = run.packing;
    FloatBuffer x = scope.rows(packing.spans.size(), run.width);
    int count = 0;
    for (int span = 0; span < packing.spans.size(); span++) {
      if (packing.liveOf(span) > 0 && kept(run, span) == null) {
        mean(packing, span, read, x, count++, run.width);
      }
    }
    FloatBuffer z = scope.rows(count, logits);
    if (count > 0) {
      try (Call call = means.call()) {
        call.in("x", x, 0, count, run.width).out("logits", z, 0, count, logits).run();
      }
    }
    return z;
  }

  /** Makes the logits of each live row: those of its event, which are made once. */
  private FloatBuffer ofConditions(StageRun run, RouterRows rows, Session session, Scope scope) {
    Packing packing = run.packing;
    int numbers = router.condition();
    FloatBuffer x = scope.rows(packing.live, numbers);
    FloatBuffer z = scope.rows(packing.live, logits);
    FloatBuffer each = scope.rows(packing.live, logits);
    int[] of = new int[packing.live];
    int count = 0;
    Event last = null;
    for (int row = 0; row < packing.rows; row++) {
      if (packing.isLive(row)) {
        Event event = rows.event(packing.inBatch(row));
        if (event != last) {
          x.put(count++ * numbers, event.condition(numbers), 0, numbers);
          last = event;
        }
        of[packing.place(row)] = count - 1;
      }
    }
    if (count > 0) {
      try (Call call = session.call()) {
        call.in("x", x, 0, count, numbers).out("logits", z, 0, count, logits).run();
      }
    }
    for (int place = 0; place < of.length; place++) {
      each.put(place * logits, z, of[place] * logits, logits);
    }
    return each;
  }

  private static void mean(
      Packing packing, int span, FloatBuffer read, FloatBuffer into, int at, int width) {
    double[] sum = new double[width];
    int first = packing.firstPlace(span);
    int live = packing.liveOf(span);
    for (int place = first; place < first + live; place++) {
      for (int c = 0; c < width; c++) {
        sum[c] += read.get(place * width + c);
      }
    }
    for (int c = 0; c < width; c++) {
      into.put(at * width + c, (float) (sum[c] / live));
    }
  }

  private void keep(StageRun run, Assignment assignment) {
    Packing packing = run.packing;
    for (int span = 0; span < packing.spans.size(); span++) {
      if (packing.liveOf(span) > 0 && kept(run, span) == null) {
        int row = packing.first[span];
        while (!packing.isLive(row)) {
          row++;
        }
        float kept = assignment.kept(packing.inBatch(row));
        run.call.state(span).numbers(run.entry(path)).write(new float[] {kept});
      }
    }
  }

  /** Returns whether rows that are not live are decided about, so that frozen rows follow. */
  public static boolean asksEveryRow(Skip skip) {
    return skip.router().source() == Source.KEY;
  }
}
