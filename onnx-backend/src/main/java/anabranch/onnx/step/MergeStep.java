package anabranch.onnx.step;

import anabranch.backend.Trace;
import anabranch.model.layer.Chain;
import anabranch.onnx.call.LoadedStep;
import anabranch.onnx.call.StageRun;
import anabranch.onnx.graph.Step;
import anabranch.onnx.memory.Scope;
import anabranch.onnx.rows.Packing;
import anabranch.onnx.rows.Role;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.Session;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A chain most of whose rows run as the means of blocks. Thread-safe. */
final class MergeStep implements LoadedStep {
  /** What a row stands for where another one stands for it. */
  private static final int[] NONE = new int[0];

  private final Step.Merge step;
  private final Chain.Merged merged;
  private final @Nullable Session lead;
  private final List<LoadedStep> steps;
  private final AttendStep first;

  /**
   * Creates a step.
   *
   * @param lead makes what the chain reads; null where that is x
   * @param steps run on rows and means; the first is an attention
   */
  MergeStep(Step.Merge step, @Nullable Session lead, List<LoadedStep> steps) {
    this.step = step;
    this.merged = step.merged();
    this.lead = lead;
    this.steps = List.copyOf(steps);
    if (!(steps.get(0) instanceof AttendStep attend)) {
      throw new AssertionError(step.path());
    }
    first = attend;
  }

  @Override
  public void take(StageRun run) {
    int width = run.width;
    Packing packing = run.packing;
    boolean behind = step.finish() == Step.Finish.BEHIND;
    FloatBuffer into = behind ? run.newUpdate(width) : run.spare();
    try (Scope scope = new Scope(run.call.pool)) {
      FloatBuffer read = read(run);
      List<List<int[]>> blocks = blocks(packing);
      boolean[][] fine = fine(blocks, scores(run, blocks, read, scope));
      boolean[] alone = new boolean[packing.rows];
      List<List<int[]>> groups = groups(packing, blocks, fine, alone);
      List<Role> roles = new ArrayList<>();
      groups.forEach(span -> span.forEach(group -> roles.add(packing.role(group[0]))));
      Packing within = packing.merged(groups, roles);
      trace(run, alone, within.live);
      FloatBuffer v = gathered(packing, within, groups, read, width, scope);
      FloatBuffer base = scope.rows(within.live, width);
      base.put(0, v, 0, within.live * width);
      FloatBuffer result =
          new StageRun(run.call, within, scope, run.visit(), run.member(), v).through(steps);
      combine(run, within, groups, base, result, into);
    }
    if (!behind) {
      run.move();
    }
  }

  private FloatBuffer read(StageRun run) {
    if (lead == null) {
      return run.x();
    }
    if (run.packing.rows > 0) {
      try (Call call = lead.call()) {
        call.in("x", run.x(), 0, run.packing.rows, run.width)
            .out("n", run.normed(), 0, run.packing.rows, run.width)
            .run();
      }
    }
    return run.normed();
  }

  /** Returns the blocks of each span: rows that run and are not kept, in order. */
  private List<List<int[]>> blocks(Packing packing) {
    List<List<int[]>> all = new ArrayList<>();
    for (int span = 0; span < packing.spans.size(); span++) {
      int[] others =
          IntStream.range(packing.first[span], packing.first[span + 1])
              .filter(row -> packing.isLive(row) && !kept(packing, row))
              .toArray();
      List<int[]> blocks = new ArrayList<>();
      for (int from = 0; from < others.length; from += merged.size()) {
        int to = Math.min(others.length - from, merged.size()) + from;
        blocks.add(Arrays.copyOfRange(others, from, to));
      }
      all.add(blocks);
    }
    return all;
  }

  private boolean kept(Packing packing, int row) {
    return merged.kept().contains(packing.position(row));
  }

  /** Returns whether some of the blocks are best, and not all of them. */
  private boolean competes(List<int[]> blocks) {
    return merged.fine() > 0 && merged.fine() < blocks.size();
  }

  /**
   * Runs the first attention on kept rows, which ask, and on the mean of each block; there are no
   * scores for spans where nothing depends on them.
   */
  private float[][] scores(StageRun run, List<List<int[]>> blocks, FloatBuffer read, Scope scope) {
    Packing packing = run.packing;
    List<List<int[]>> groups = new ArrayList<>();
    List<Role> roles = new ArrayList<>();
    for (int span = 0; span < blocks.size(); span++) {
      List<int[]> asked = new ArrayList<>();
      groups.add(asked);
      if (!competes(blocks.get(span))) {
        continue;
      }
      for (int row = packing.first[span]; row < packing.first[span + 1]; row++) {
        if (packing.isLive(row) && kept(packing, row)) {
          asked.add(new int[] {row});
          roles.add(Role.LIVE);
        }
      }
      for (int[] block : blocks.get(span)) {
        asked.add(block);
        roles.add(Role.PROJECTED);
      }
    }
    if (roles.isEmpty()) {
      return new float[blocks.size()][0];
    }
    Packing asking = packing.merged(groups, roles);
    FloatBuffer v = gathered(packing, asking, groups, read, run.width, scope);
    int[][] spans = new int[blocks.size()][];
    int next = asking.live;
    for (int span = 0; span < spans.length; span++) {
      int count = competes(blocks.get(span)) ? blocks.get(span).size() : 0;
      spans[span] = new int[] {next, count};
      next += count;
    }
    StageRun scoring = new StageRun(run.call, asking, scope, run.visit(), run.member(), v);
    return first.give(scoring, spans);
  }

  /** Returns which blocks run row by row: the best, ties to the earlier one. */
  private boolean[][] fine(List<List<int[]>> blocks, float[][] scores) {
    boolean[][] fine = new boolean[scores.length][];
    for (int span = 0; span < scores.length; span++) {
      float[] own = scores[span];
      for (int b = 0; b < own.length; b++) {
        if (!Float.isFinite(own[b])) {
          throw new ArithmeticException(
              step.path() + ": score " + own[b] + " of block " + b + " is not finite");
        }
      }
      fine[span] = new boolean[blocks.get(span).size()];
      boolean[] best = fine[span];
      if (!competes(blocks.get(span))) {
        Arrays.fill(best, merged.fine() > 0);
        continue;
      }
      IntStream.range(0, best.length)
          .boxed()
          .sorted(Comparator.comparing(b -> -own[b]))
          .limit(merged.fine())
          .forEach(b -> best[b] = true);
    }
    return fine;
  }

  /**
   * Returns the rows of each span as they run, by the first row of each.
   *
   * @param alone receives which live rows run for themselves, those that are kept included
   */
  private List<List<int[]>> groups(
      Packing packing, List<List<int[]>> blocks, boolean[][] fine, boolean[] alone) {
    List<List<int[]>> groups = new ArrayList<>();
    for (int span = 0; span < blocks.size(); span++) {
      int[][] together = new int[packing.size(span)][];
      int start = packing.first[span];
      for (int b = 0; b < fine[span].length; b++) {
        int[] block = blocks.get(span).get(b);
        for (int row : block) {
          alone[row] = fine[span][b];
          together[row - start] = fine[span][b] ? new int[] {row} : row == block[0] ? block : NONE;
        }
      }
      List<int[]> own = new ArrayList<>();
      for (int i = 0; i < together.length; i++) {
        if (together[i] == null) {
          alone[start + i] = packing.isLive(start + i);
          own.add(new int[] {start + i});
        } else if (together[i] != NONE) {
          own.add(together[i]);
        }
      }
      groups.add(own);
    }
    return groups;
  }

  /** Returns the vectors of groups by place: a row's own, or the mean of several. */
  private static FloatBuffer gathered(
      Packing packing,
      Packing within,
      List<List<int[]>> groups,
      FloatBuffer read,
      int width,
      Scope scope) {
    FloatBuffer v = scope.rows(within.rows, width);
    double[] sum = new double[width];
    int row = 0;
    for (List<int[]> span : groups) {
      for (int[] group : span) {
        int to = within.place(row++) * width;
        if (group.length == 1) {
          v.put(to, read, packing.place(group[0]) * width, width);
          continue;
        }
        Arrays.fill(sum, 0);
        for (int each : group) {
          int from = packing.place(each) * width;
          for (int c = 0; c < width; c++) {
            sum[c] += read.get(from + c);
          }
        }
        for (int c = 0; c < width; c++) {
          v.put(to + c, (float) (sum[c] / group.length));
        }
      }
    }
    return v;
  }

  private void trace(StageRun run, boolean[] alone, int ran) {
    List<Trace.Choices> choices = run.call.choices();
    if (choices == null) {
      return;
    }
    int[] taken = new int[run.call.batch().rows];
    float[] gates = new float[taken.length];
    Arrays.fill(taken, -1);
    for (int row = 0; row < alone.length; row++) {
      if (alone[row]) {
        taken[run.packing.inBatch(row)] = 0;
        gates[run.packing.inBatch(row)] = 1;
      }
    }
    IntBuffer counts = IntBuffer.wrap(new int[] {ran});
    choices.add(
        new Trace.Choices(
            step.path(), run.visit(), 1, IntBuffer.wrap(taken), FloatBuffer.wrap(gates), counts));
  }

  /** Writes what was added to the row that stands for each, as it is finished. */
  private void combine(
      StageRun run,
      Packing within,
      List<List<int[]>> groups,
      FloatBuffer base,
      FloatBuffer result,
      FloatBuffer into) {
    int width = run.width;
    boolean added = step.finish() == Step.Finish.ADDED;
    int number = 0;
    for (List<int[]> span : groups) {
      for (int[] group : span) {
        int from = within.place(number) * width;
        boolean live = within.isLive(number++);
        for (int i = 0; live && i < group.length; i++) {
          int to = run.packing.place(group[i]) * width;
          for (int c = 0; c < width; c++) {
            float update = result.get(from + c) - base.get(from + c);
            into.put(to + c, added ? run.x().get(to + c) + update : update);
          }
        }
      }
    }
  }
}
