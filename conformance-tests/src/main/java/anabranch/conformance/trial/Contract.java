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
import java.util.ArrayList;
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
    told(at, step, choices);
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

  /** Rule R11: each bank once, in order of running, and as many rows ran as were picked for it. */
  private static void told(String at, Step step, List<Trace.Choices> choices) {
    List<Place> places = placesOf(step);
    Set<String> once = new HashSet<>();
    int before = 0;
    for (Trace.Choices each : choices) {
      String what = at + each.path() + " in visit " + each.visit();
      assertTrue(once.add(what), what + " is told twice");
      int place = Place.last(places, each);
      assertTrue(place >= before, what + " is not told in order of running");
      before = place;
      counted(what, each, places.get(place).operation() instanceof Chain.Merged);
    }
  }

  /** Of a merged chain rows run that nobody picked: those of blocks. */
  private static void counted(String what, Trace.Choices told, boolean merged) {
    int[] picks = new int[told.ran().remaining()];
    int rows = told.k() == 0 ? 0 : told.experts().remaining() / told.k();
    for (int i = 0; i < told.experts().remaining(); i++) {
      int member = told.experts().get(i);
      if (member >= 0) {
        picks[member]++;
      }
    }
    for (int member = 0; member < picks.length; member++) {
      int ran = told.ran().get(member);
      boolean right = merged ? ran >= picks[member] && ran <= rows : ran == picks[member];
      assertTrue(
          right, what + ": " + ran + " rows of member " + member + ", picked " + picks[member]);
    }
  }

  /** An operation of a step: where, and what. */
  private record Place(int visit, String path, Operation operation) {
    /** Returns the number of the innermost of the places that a router belongs to. */
    static int last(List<Place> places, Trace.Choices told) {
      int found = -1;
      for (int i = 0; i < places.size(); i++) {
        Place place = places.get(i);
        boolean within = told.path().equals(place.path) || told.path().startsWith(place.path + ".");
        if (within && told.visit() == place.visit) {
          boolean nearer = found < 0 || place.path.length() > places.get(found).path.length();
          found = nearer ? i : found;
        }
      }
      assertTrue(found >= 0, told.path() + " does not run in visit " + told.visit());
      return found;
    }
  }

  /** Returns all operations of a step in order of running, what is inside others behind them. */
  private static List<Place> placesOf(Step step) {
    List<Place> places = new ArrayList<>();
    List<Visit> visits = step.stage().visits();
    for (int v = 0; v < visits.size(); v++) {
      for (Visit.Member member : visits.get(v).blocks()) {
        for (Sublayer sublayer : member.block().sublayers()) {
          places(v, sublayer.operation(), member.path() + "." + sublayer.name(), places);
        }
      }
    }
    return places;
  }

  private static void places(int visit, Operation operation, String path, List<Place> into) {
    into.add(new Place(visit, path, operation));
    if (operation instanceof Skip skip) {
      places(visit, skip.operation(), skip.operationPath(path), into);
    } else if (operation instanceof Mixture.Modulated modulated) {
      places(visit, modulated.operation(), modulated.operationPath(path), into);
    } else if (operation instanceof Chain chain) {
      chain.sublayers().forEach(s -> places(visit, s.operation(), path + "." + s.name(), into));
    }
  }

  /** Returns the paths of the routers that frozen rows ask for the values they show (rule A29). */
  private static Set<String> valuesOf(Step step) {
    Set<String> paths = new HashSet<>();
    for (Place place : placesOf(step)) {
      if (place.operation() instanceof Attention attention && attention.projections() != null) {
        for (int h = 0; h < attention.keyValueHeads(); h++) {
          paths.add(place.path() + ".v." + h);
        }
      }
    }
    return paths;
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
