package anabranch.conformance.trial;

import anabranch.engine.Policy;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.plan.Criterion;
import java.util.List;
import java.util.SplittableRandom;

/** Takes the decisions between stages in the place of an engine. */
public interface Deciding {
  /** The share of rows that stays at prunes that are not asked for. */
  double FORCED_SHARE = 0.6;

  /**
   * Returns whether a unit leaves at an exit, or goes on behind a loop.
   *
   * @param sequence the number of the sequence
   * @param unit its row by position, or its event by number where all rows are one unit
   * @param step at an exit or a halt
   * @param score what the unit scored; NaN where it was not asked
   */
  boolean fires(int sequence, int unit, Step step, float score);

  /** Returns the share of an event's rows that stay at a prune. */
  double share(Step step);

  /** Returns whether {@link #fires} needs no score at a step. */
  boolean knows(Step step);

  /** Decides as a policy says. */
  static Deciding by(Policy policy) {
    return new Deciding() {
      @Override
      public boolean fires(int sequence, int unit, Step step, float score) {
        Double threshold = policy.thresholds().get(id(step));
        return threshold != null && criterion(step).fires(score, threshold);
      }

      @Override
      public double share(Step step) {
        return policy.thresholds().getOrDefault(id(step), 1.0);
      }

      @Override
      public boolean knows(Step step) {
        return !policy.thresholds().containsKey(id(step));
      }
    };
  }

  /**
   * Lets units leave where they are told, and units go on behind loops, and rows stay at prunes, as
   * a seed says.
   *
   * @param exits for each sequence and unit the step behind which it leaves; the encoder's exit is
   *     drawn too
   */
  static Deciding forced(List<List<Integer>> exits, long seed) {
    return new Deciding() {
      @Override
      public boolean fires(int sequence, int unit, Step step, float score) {
        if (step.stage().point() instanceof Point.AtExit && !step.stage().encoder()) {
          return exits.get(sequence).get(unit) == step.index();
        }
        return coin(seed, sequence, unit, step.index());
      }

      @Override
      public double share(Step step) {
        return FORCED_SHARE;
      }

      @Override
      public boolean knows(Step step) {
        return true;
      }
    };
  }

  private static boolean coin(long seed, int sequence, int unit, int step) {
    return new SplittableRandom(seed * 31 + sequence * 1009L + unit * 131L + step).nextDouble()
        < 0.4;
  }

  /** Returns the name under which a policy knows what is decided behind a step. */
  static String id(Step step) {
    Point point = step.stage().point();
    if (point instanceof Point.AtExit at) {
      return at.exit().id();
    } else if (point instanceof Point.AtHalt at) {
      return at.halt().id();
    } else if (point instanceof Point.AtPrune at) {
      return at.prune().id();
    }
    return "";
  }

  /** Returns how the score behind a step is compared. */
  static Criterion criterion(Step step) {
    if (step.stage().point() instanceof Point.AtExit at) {
      return at.exit().criterion();
    } else if (step.stage().point() instanceof Point.AtHalt at) {
      return at.halt().criterion();
    }
    throw new IllegalArgumentException("nothing fires behind step " + step.index());
  }
}
