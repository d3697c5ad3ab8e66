package anabranch.conformance;

import anabranch.backend.Trace;
import anabranch.engine.Inference;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a backend answered to one item, with every decision it took. */
final class Answered {
  /** Where each unit left. */
  final int[] exits;

  /** Logits of each unit, {@code [units, outputs]}. */
  final float[][] logits;

  /** Scores, {@code [points, units]}; NaN where not scored. */
  final float[][] scores;

  /** By mixture, the experts of each row, {@code [rows, k]}; -1 where the row did not run. */
  final Map<String, int[][]> experts = new LinkedHashMap<>();

  /** By mixture, the gates beside the experts. */
  final Map<String, float[][]> gates = new LinkedHashMap<>();

  Answered(int units, int outputs, int points) {
    exits = new int[units];
    Arrays.fill(exits, -1);
    logits = new float[units][outputs];
    scores = new float[points][units];
    for (float[] point : scores) {
      Arrays.fill(point, Float.NaN);
    }
  }

  /** Takes over what an engine answered. */
  static Answered by(Inference inference, int rows, int points) {
    Answered answered = new Answered(inference.units(), inference.outputs(), points);
    for (int unit = 0; unit < inference.units(); unit++) {
      answered.exits[unit] = inference.exit(unit);
      answered.scores[inference.exit(unit)][unit] = inference.score(unit);
      inference.logits(unit).get(answered.logits[unit]);
    }
    for (Trace.Choices choices : inference.choices()) {
      for (int row = 0; row < rows; row++) {
        answered.choose(choices, row, row, rows);
      }
    }
    return answered;
  }

  /** Takes over the choice of one row of a batch. */
  void choose(Trace.Choices choices, int rowInBatch, int row, int rows) {
    int k = choices.k();
    int[][] mine = experts.computeIfAbsent(choices.path(), path -> unset(rows, k));
    float[][] weights = gates.computeIfAbsent(choices.path(), path -> new float[rows][k]);
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

  List<Integer> exits() {
    return Arrays.stream(exits).boxed().toList();
  }

  /** Returns the experts of every row for the oracle to replay; empty lists where none ran. */
  Map<String, List<List<Integer>>> replay() {
    Map<String, List<List<Integer>>> all = new LinkedHashMap<>();
    experts.forEach(
        (path, rows) -> {
          List<List<Integer>> lists = new ArrayList<>();
          for (int[] row : rows) {
            lists.add(row[0] < 0 ? List.of() : Arrays.stream(row).boxed().toList());
          }
          all.put(path, lists);
        });
    return all;
  }

  /** Returns all bits of this answer, to be compared with those of another. */
  String bits() {
    StringBuilder bits = new StringBuilder("exits " + Arrays.toString(exits));
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
