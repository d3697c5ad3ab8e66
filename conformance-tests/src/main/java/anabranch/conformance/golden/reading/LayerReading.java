package anabranch.conformance.golden.reading;

import anabranch.backend.Event;
import anabranch.conformance.golden.recorded.Batch;
import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Finding.Kind;
import anabranch.conformance.golden.recorded.Outcome;
import anabranch.conformance.golden.recorded.RecordedModel;
import anabranch.conformance.golden.recorded.Recording;
import anabranch.conformance.space.Sequence;
import anabranch.model.Input;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * A single layer that was fed with vectors, {@code <case>.in.x} of {@code [batch, columns, width]}:
 * {@code out}, {@code gated_first_k_blocks.out} and, with every row made to choose K, {@code
 * blocksK.out}; {@code bins} is the expert of each row, {@code choice} how many experts each ran.
 * {@code hash_bin_map} is the expert of each token id. The description answers the vector that it
 * was fed plus what the layer says.
 *
 * <p>Where the layer reads token ids besides, its vectors stand in a table of positions, one table
 * for each line.
 */
final class LayerReading implements Reading {
  /** More than any logit, so that a bias alone decides. */
  private static final float DECIDES = 1e6f;

  private static final String TABLE = "hash_bin_map";

  @Override
  public void compare(RecordedModel model, String name, int number, Finding finding) {
    String fed = name + ".in.x";
    if (!model.recording.has(fed)) {
      return;
    }
    Batch batch = Batch.of(model.recording, fed, name + ".in.attention_mask");
    float[] x = model.recording.floats(fed);
    List<Fed> lines = fed(model, name, batch, x);
    List<Outcome> free = run(model, lines);
    for (String out : List.of(name + ".out", name + ".gated_first_k_blocks.out")) {
      if (model.recording.has(out)) {
        out(model.recording, out, batch, x, free, finding);
      }
    }
    choices(model.recording, name, batch, free, finding);
    if (model.recording.has(TABLE)) {
      table(model, finding);
    }
    String forced = Pattern.quote(name) + "\\.blocks(\\d+)\\.out";
    for (MatchResult found : model.recording.matches(forced)) {
      int choice = Integer.parseInt(found.group(1));
      List<Fed> choosing =
          lines.stream()
              .map(line -> new Fed(choosing(line.weights, choice), line.sequences))
              .toList();
      out(model.recording, found.group(), batch, x, run(model, choosing), finding);
    }
  }

  /** Compares the expert of every token id. */
  private static void table(RecordedModel model, Finding finding) {
    int[] recorded = model.recording.ints(TABLE);
    for (String name : model.weights.names()) {
      if (name.endsWith(".router.table")) {
        float[] table = Overlay.values(model.weights, name);
        for (int id = 0; id < recorded.length; id++) {
          finding.decision(Kind.EXPERTS, TABLE + " " + id, recorded[id], (int) table[id]);
        }
      }
    }
  }

  /** Lines that run on the same weights. */
  private record Fed(Weights weights, List<Sequence> sequences) {}

  private static List<Outcome> run(RecordedModel model, List<Fed> lines) {
    return lines.stream()
        .flatMap(some -> model.runOnce(model.spec, some.weights, some.sequences).stream())
        .toList();
  }

  /** Feeds lines as features, or as token ids with their vectors in the table of positions. */
  private static List<Fed> fed(RecordedModel model, String name, Batch batch, float[] x) {
    int width = x.length / batch.padded();
    int length = model.spec.input().maxLength();
    List<Sequence> together = new ArrayList<>();
    List<Fed> apart = new ArrayList<>();
    for (int line = 0; line < batch.lines().size(); line++) {
      float[] vectors = new float[batch.rows(line) * width];
      for (int row = 0; row < batch.rows(line); row++) {
        System.arraycopy(x, batch.at(line, row) * width, vectors, row * width, width);
      }
      if (model.spec.input() instanceof Input.Tokens) {
        Overlay overlay = new Overlay(model.weights);
        overlay.put(
            "embedding.positions", List.of(length, width), Arrays.copyOf(vectors, length * width));
        int[] ids = batch.take(line, model.recording.ints(name + ".in.input_ids"));
        apart.add(new Fed(overlay, List.of(Sequence.of(Event.ofTokens(ids)))));
      } else {
        together.add(Sequence.of(Event.ofFeatures(width, vectors)));
      }
    }
    return together.isEmpty() ? apart : List.of(new Fed(model.weights, together));
  }

  private static Weights choosing(Weights weights, int choice) {
    Overlay overlay = new Overlay(weights);
    for (String name : weights.names()) {
      if (name.endsWith(".router.bias")) {
        float[] bias = Overlay.values(weights, name);
        Arrays.fill(bias, 0);
        bias[choice] = DECIDES;
        overlay.put(name, List.of(bias.length), bias);
      }
    }
    return overlay;
  }

  private static void out(
      Recording recording,
      String key,
      Batch batch,
      float[] x,
      List<Outcome> outcomes,
      Finding finding) {
    float[] recorded = recording.floats(key);
    for (int line = 0; line < outcomes.size(); line++) {
      for (int row = 0; row < batch.rows(line); row++) {
        double[] ours = outcomes.get(line).logits().get(row).clone();
        int offset = batch.at(line, row) * ours.length;
        for (int i = 0; i < ours.length; i++) {
          ours[i] -= x[offset + i];
        }
        finding.numbers(key + " line " + line + " row " + row, recorded, offset, ours);
      }
    }
  }

  private static void choices(
      Recording recording, String name, Batch batch, List<Outcome> outcomes, Finding finding) {
    for (String key : List.of(name + ".bins", name + ".choice")) {
      int[] recorded = recording.has(key) ? recording.ints(key) : new int[0];
      for (int line = 0; line < outcomes.size() && recorded.length > 0; line++) {
        for (List<List<Integer>> rows : outcomes.get(line).taken().values()) {
          for (int row = 0; row < batch.rows(line); row++) {
            List<Integer> taken = rows.get(row);
            int ours = key.endsWith("bins") ? taken.get(0) : taken.size();
            String what = key + " line " + line + " row " + row;
            finding.decision(Kind.EXPERTS, what, recorded[batch.at(line, row)], ours);
          }
        }
      }
    }
  }
}
