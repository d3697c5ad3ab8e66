package anabranch.engine;

import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Point;
import anabranch.model.facts.Step;
import anabranch.model.layer.Bypass;
import java.util.Arrays;

/**
 * A scripted model of single rows in plain loops: all rows stand side by side at every step, and
 * those that need not run are left alone.
 */
final class Plain {
  final double[] answers;
  final int[] exits;
  final int[] depths;
  private final double[] h;
  private final double[] shown;
  private final Bypass[] left;
  private final Bypass[] jumped;
  private final int[] resume;

  /** Runs all rows; every exit and halt fires where the score is 1. */
  Plain(ModelSpec spec, int[] tokens) {
    int n = tokens.length;
    answers = new double[n];
    exits = new int[n];
    depths = new int[n];
    shown = new double[n];
    Arrays.fill(shown, Double.NaN);
    left = new Bypass[n];
    jumped = new Bypass[n];
    resume = new int[n];
    h = new double[n];
    Arrays.setAll(h, p -> tokens[p]);
    for (Step step : Cut.of(spec).steps()) {
      step(step);
      for (int p = 0; p < n; p++) {
        if (left[p] == null && resume[p] <= step.index()) {
          depths[p] += step.stage().blocks().size();
          decide(step, p, ScriptedModel.score(tokens[p], step.index()) == 1);
        }
      }
    }
  }

  private void step(Step step) {
    double[] key = new double[h.length];
    for (int p = 0; p < h.length; p++) {
      Bypass way = wayOf(p, step.index());
      key[p] =
          way == null || way == Bypass.FREEZE_PROJECT
              ? h[p]
              : way == Bypass.FREEZE_SHARE_KV ? shown[p] : Double.NaN;
      if (step.stage().mixes()) {
        shown[p] = key[p];
      }
    }
    double[] next = h.clone();
    for (int p = 0; p < h.length; p++) {
      if (wayOf(p, step.index()) == null) {
        double read = 0;
        int end = Scripts.causal(step.stage()) ? p + 1 : h.length;
        for (int q = 0; q < end && step.stage().mixes(); q++) {
          read += Double.isNaN(key[q]) ? 0 : key[q];
        }
        next[p] = h[p] + step.stage().blocks().size() + read / 1000;
      }
    }
    System.arraycopy(next, 0, h, 0, h.length);
  }

  /** Returns null for a row that runs, else how it passes. */
  private Bypass wayOf(int p, int step) {
    if (left[p] != null) {
      return left[p] == Bypass.DEFER_RECOMPUTE ? null : left[p];
    }
    return resume[p] > step ? jumped[p] : null;
  }

  private void decide(Step step, int p, boolean fires) {
    if (step.stage().point() instanceof Point.AtExit at && fires) {
      leave(step, p, at.exit().bypass());
    } else if (step.stage().point() instanceof Point.End) {
      leave(step, p, Bypass.TERMINATE);
    } else if (step.stage().point() instanceof Point.AtHalt at && fires) {
      resume[p] = step.target();
      jumped[p] = at.halt().bypass();
    }
  }

  private void leave(Step step, int p, Bypass bypass) {
    left[p] = bypass;
    exits[p] = step.index();
    answers[p] = h[p];
  }
}
