package anabranch.conformance.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.plan.Criterion;
import java.nio.FloatBuffer;
import java.util.List;

/** What every call owes its caller whatever the numbers are. Stateless. */
final class Contract {
  private Contract() {}

  /** Checks the shape of a result: what is scored, what is not, and whose choices are told. */
  static void check(Step step, StageBatch batch, StageResult result, boolean trace) {
    String at = "step " + step.index() + ": ";
    Point point = step.stage().point();
    boolean ofItem = point.pool().ofItem();
    FloatBuffer scores = result.scores();
    int units = ofItem ? batch.spans().size() : batch.size();
    assertEquals(units, scores.remaining(), at + "number of scores");
    int labels = point.labels() ? units : 0;
    assertEquals(labels, result.labels().remaining(), at + "number of labels");
    List<Trace.Choices> choices = result.trace().choices();
    if (!trace) {
      assertEquals(0, choices.size(), at + "choices without a trace");
    }
    Criterion.Score score = point.score();
    boolean silent =
        score == null || score == Criterion.Score.PATIENCE || score == Criterion.Score.CHOSEN;
    int row = 0;
    for (int s = 0; s < batch.spans().size(); s++) {
      Span span = batch.spans().get(s);
      boolean any = false;
      for (int i = 0; i < span.rows().size(); i++, row++) {
        any |= span.rows().scored(i);
        if (!ofItem) {
          unit(at + "row " + row, !span.rows().scored(i), silent, row, result, point);
        }
        if (span.rows().frozen(i)) {
          unpicked(at, choices, row);
        }
      }
      if (ofItem) {
        unit(at + "span " + s, !any, silent, s, result, point);
      }
    }
  }

  private static void unit(
      String what, boolean unscored, boolean silent, int unit, StageResult result, Point point) {
    if (unscored || silent) {
      float score = result.scores().get(unit);
      assertTrue(Float.isNaN(score), what + ": score " + score + " is not NaN");
    }
    if (point.labels()) {
      int label = result.labels().get(unit);
      assertTrue(unscored ? label == -1 : label >= 0, what + ": label " + label);
    }
  }

  private static void unpicked(String at, List<Trace.Choices> choices, int row) {
    for (Trace.Choices mixture : choices) {
      for (int c = 0; c < mixture.k(); c++) {
        int expert = mixture.experts().get(row * mixture.k() + c);
        assertEquals(-1, expert, at + mixture.path() + " asked frozen row " + row);
      }
    }
  }
}
