package anabranch.engine.rows;

import anabranch.backend.Trace;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Grouping;
import anabranch.model.facts.Point;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Step;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Skip;
import anabranch.model.plan.Criterion;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The steps of a model, with what an item must know of each. Immutable; any thread. */
public final class Route {
  private final ModelSpec spec;
  private final Cut cut;
  private final Cost cost;
  private final boolean showsAgain;
  private final List<Leg> legs;

  public Route(ModelSpec spec) {
    this.spec = spec;
    cut = Cut.of(spec);
    cost = Cost.of(spec);
    showsAgain = cut.stages().stream().anyMatch(Route::showsAgain);
    Map<Integer, List<Cut.Run>> runs =
        cut.runs().stream().collect(Collectors.groupingBy(Cut.Run::step));
    Deque<Leg> all = new ArrayDeque<>();
    boolean earlier = false;
    boolean whole = false;
    for (int s = cut.steps().size() - 1; s >= 0; s--) {
      Step step = cut.steps().get(s);
      boolean last = s == cut.encoderSteps() - 1;
      earlier = step.stage().grouping() != Grouping.ROW || !last && earlier;
      whole = step.stage().grouping() == Grouping.WHOLE || !last && whole;
      all.addFirst(
          new Leg(step, asks(step), label(step), earlier, whole, runs.getOrDefault(s, List.of())));
    }
    legs = List.copyOf(all);
  }

  public ModelSpec spec() {
    return spec;
  }

  public Cost cost() {
    return cost;
  }

  public List<Leg> legs() {
    return legs;
  }

  /** Returns the steps at which an item may be forced to leave: the exits behind the encoder. */
  public List<Integer> exits() {
    return cut.steps().stream()
        .filter(step -> !step.stage().encoder() && step.stage().point().head() != null)
        .map(Step::index)
        .toList();
  }

  /**
   * Returns whether some row shows keys that it made at an earlier step: then it may miss no
   * attention in between.
   */
  boolean showsAgain() {
    return showsAgain;
  }

  private static boolean showsAgain(StageSpec stage) {
    return stage.frozen() == Bypass.FREEZE_SHARE_KV
        || stage.blocks().stream()
            .flatMap(block -> block.operations().stream())
            .anyMatch(o -> o instanceof Skip skip && skip.keys() == Bypass.FREEZE_SHARE_KV);
  }

  /** Returns the steps behind one and before another at which a row that froze is still read. */
  BitSet frozenBetween(int step, int target) {
    BitSet owed = new BitSet();
    for (int s = Math.max(step + 1, cut.encoderSteps()); s < target; s++) {
      owed.set(s, legs.get(s).stage().mixes());
    }
    return owed;
  }

  /** Returns the steps behind one that a row runs for those that come later. */
  BitSet deferredBehind(int step) {
    BitSet owed = new BitSet();
    for (int s = Math.max(step + 1, cut.encoderSteps()); s < legs.size(); s++) {
      owed.set(s, legs.get(s).earlierAhead());
    }
    return owed;
  }

  private List<Step> side(Step step) {
    int border = cut.encoderSteps();
    return step.stage().encoder()
        ? cut.steps().subList(0, border)
        : cut.steps().subList(border, cut.steps().size());
  }

  private List<Step> behind(Step step) {
    return side(step).stream().filter(other -> other.index() > step.index()).toList();
  }

  /** Returns the ids of the thresholds for which the score or the label behind a step matters. */
  private List<String> asks(Step step) {
    Point point = step.stage().point();
    List<String> ids = new ArrayList<>();
    if (point instanceof Point.AtExit at) {
      ids.add(at.exit().id());
      if (at.score() == Criterion.Score.PATIENCE) {
        ids.addAll(exits(behind(step), Criterion.Score.PATIENCE));
      }
    } else if (point instanceof Point.AtChoice) {
      ids.addAll(exits(untilNextChoice(behind(step)), Criterion.Score.CHOSEN));
    } else if (point instanceof Point.AtPrune at) {
      ids.add(at.prune().id());
    } else if (point instanceof Point.AtHalt at && step.target() > step.index() + 1) {
      ids.add(at.halt().id());
    }
    return List.copyOf(ids);
  }

  /** Returns the label by which a choice names the exit of a step; -1 for others. */
  private int label(Step step) {
    if (step.stage().point().score() != Criterion.Score.CHOSEN) {
      return -1;
    }
    int label = -1;
    for (Step each : side(step)) {
      if (each.stage().point() instanceof Point.AtChoice) {
        label = -1;
      } else if (each.stage().point().score() == Criterion.Score.CHOSEN) {
        label++;
      }
      if (each.index() == step.index()) {
        break;
      }
    }
    return label;
  }

  private static List<String> exits(List<Step> steps, Criterion.Score score) {
    List<String> ids = new ArrayList<>();
    for (Step step : steps) {
      if (step.stage().point() instanceof Point.AtExit at && at.score() == score) {
        ids.add(at.exit().id());
      }
    }
    return ids;
  }

  private static List<Step> untilNextChoice(List<Step> behind) {
    List<Step> until = new ArrayList<>();
    for (Step step : behind) {
      if (step.stage().point() instanceof Point.AtChoice) {
        break;
      }
      until.add(step);
    }
    return until;
  }

  /**
   * One step.
   *
   * @param step its place in the cut
   * @param asks the thresholds for which the score or the label behind it matters, by id
   * @param label what a choice of depth calls its exit; -1 for none
   * @param earlierAhead whether rows read earlier rows here or behind
   * @param wholeAhead whether rows read later rows here or behind
   * @param runs the blocks that run
   */
  public record Leg(
      Step step,
      List<String> asks,
      int label,
      boolean earlierAhead,
      boolean wholeAhead,
      List<Cut.Run> runs) {
    public int index() {
      return step.index();
    }

    public StageSpec stage() {
      return step.stage();
    }

    public Point point() {
      return step.stage().point();
    }

    /** Returns whether a unit is all rows of an item. */
    public boolean ofItem() {
      return point().pool().ofItem();
    }

    /** Returns what the answer calls an operation that ran here. */
    public String name(Trace.Choices choices) {
      for (Cut.Run run : runs) {
        if (run.visit() == choices.visit()
            && choices.path().startsWith(run.member().path() + ".")) {
          return run.name(choices.path());
        }
      }
      return choices.path();
    }
  }
}
