package anabranch.conformance.trial;

import anabranch.backend.Trace;
import anabranch.model.facts.Step;
import anabranch.model.plan.Criterion;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a backend answered to one sequence, with every decision that was taken. A unit is a row by
 * position, or an event by number where all its rows are one.
 */
public final class Answered {
  /** The step behind which each unit left; -1 for rows that were dropped. */
  public final int[] exits;

  /** Logits of each unit, {@code [units, outputs]}. */
  public final float[][] logits;

  /** Scores, {@code [steps, rows]}, by the unit of each step's point; NaN where not scored. */
  public final float[][] scores;

  /** Labels, {@code [steps, rows]}; -1 where nobody asked. */
  public final int[][] labels;

  /** For each step, the units that went on behind a loop there. */
  public final boolean[][] halted;

  /** By the step of a prune, the positions that stayed. */
  public final Map<Integer, List<Integer>> kept = new TreeMap<>();

  /** The step at which the encoder was left; -1 without one. */
  public int memoryExit = -1;

  /** By run of a router, the experts of each row, {@code [rows, k]}; -1 for none. */
  public final Map<String, int[][]> experts = new LinkedHashMap<>();

  /** By run of a router, the gates beside the experts. */
  public final Map<String, float[][]> gates = new LinkedHashMap<>();

  Answered(int units, int rows, int outputs, int steps) {
    exits = new int[units];
    Arrays.fill(exits, -1);
    logits = new float[units][outputs];
    scores = new float[steps][rows];
    labels = new int[steps][rows];
    halted = new boolean[steps][rows];
    for (int step = 0; step < steps; step++) {
      Arrays.fill(scores[step], Float.NaN);
      Arrays.fill(labels[step], -1);
    }
  }

  /** Takes over the choice of one row of a batch, under the name of the run. */
  void choose(String name, Trace.Choices choices, int rowInBatch, int row, int rows) {
    int k = choices.k();
    int[][] mine = experts.computeIfAbsent(name, path -> unset(rows, k));
    float[][] weights = gates.computeIfAbsent(name, path -> new float[rows][k]);
    choices.experts().get(rowInBatch * k, mine[row]);
    choices.gates().get(rowInBatch * k, weights[row]);
  }

  private static int[][] unset(int rows, int k) {
    int[][] all = new int[rows][k];
    for (int[] row : all) {
      Arrays.fill(row, -1);
    }
    return all;
  }

  /** Returns where each unit left. */
  public List<Integer> exits() {
    return Arrays.stream(exits).boxed().toList();
  }

  /**
   * Returns the positions of the more important half at a prune by redundancy, which have a score
   * above 1 (rule X20); empty at other steps, and where nothing was scored.
   */
  List<Integer> half(Step step) {
    List<Integer> half = new ArrayList<>();
    float[] scored = scores[step.index()];
    for (int row = 0; row < scored.length; row++) {
      if (step.stage().point().score() == Criterion.Score.REDUNDANCY && scored[row] > 1.5f) {
        half.add(row);
      }
    }
    return half;
  }

  /** Returns all bits of this answer, to be compared with those of another. */
  public String bits() {
    StringBuilder bits = new StringBuilder("exits " + Arrays.toString(exits) + kept + memoryExit);
    bits.append(Arrays.deepToString(labels)).append(Arrays.deepToString(halted));
    append(bits, "\nlogits", logits);
    append(bits, "\nscores", scores);
    experts.forEach(
        (path, rows) -> bits.append('\n').append(path).append(Arrays.deepToString(rows)));
    gates.forEach((path, rows) -> append(bits, "\n" + path, rows));
    return bits.toString();
  }

  private static void append(StringBuilder bits, String name, float[][] rows) {
    bits.append(name);
    for (float[] row : rows) {
      bits.append(' ').append(hex(FloatBuffer.wrap(row)));
    }
  }

  private static String hex(FloatBuffer row) {
    StringBuilder hex = new StringBuilder("[");
    while (row.hasRemaining()) {
      hex.append(Integer.toHexString(Float.floatToIntBits(row.get()))).append(' ');
    }
    return hex.append("]").toString();
  }
}
