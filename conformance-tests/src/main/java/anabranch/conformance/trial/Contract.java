package anabranch.conformance.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.facts.Visit;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import java.nio.FloatBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

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
    Set<String> values = valuesOf(step);
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
          unpicked(at, choices, values, row);
        }
      }
      if (ofItem) {
        unit(at + "span " + s, !any, silent, s, result, point);
      }
    }
  }

  /** Returns the paths of the routers that frozen rows ask for the values they show (rule A29). */
  private static Set<String> valuesOf(Step step) {
    Set<String> paths = new HashSet<>();
    for (Visit visit : step.stage().visits()) {
      for (Visit.Member member : visit.blocks()) {
        for (Sublayer sublayer : member.block().sublayers()) {
          collect(sublayer.operation(), member.path() + "." + sublayer.name(), paths);
        }
      }
    }
    return paths;
  }

  private static void collect(Operation operation, String path, Set<String> into) {
    if (operation instanceof Attention attention && attention.projections() != null) {
      for (int h = 0; h < attention.keyValueHeads(); h++) {
        into.add(path + ".v." + h);
      }
    } else if (operation instanceof Skip skip) {
      collect(skip.operation(), skip.operationPath(path), into);
    } else if (operation instanceof Mixture.Modulated modulated) {
      collect(modulated.operation(), modulated.operationPath(path), into);
    } else if (operation instanceof Chain chain) {
      chain.sublayers().forEach(s -> collect(s.operation(), path + "." + s.name(), into));
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

  private static void unpicked(
      String at, List<Trace.Choices> choices, Set<String> values, int row) {
    for (Trace.Choices mixture : choices) {
      if (values.contains(mixture.path())) {
        continue;
      }
      for (int c = 0; c < mixture.k(); c++) {
        int expert = mixture.experts().get(row * mixture.k() + c);
        assertEquals(-1, expert, at + mixture.path() + " asked frozen row " + row);
      }
    }
  }
}
