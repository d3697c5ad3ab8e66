package anabranch.conformance.golden.reading;

import anabranch.backend.Event;
import anabranch.conformance.golden.recorded.Batch;
import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Finding.Kind;
import anabranch.conformance.golden.recorded.Outcome;
import anabranch.conformance.golden.recorded.RecordedModel;
import anabranch.conformance.golden.recorded.Recording;
import anabranch.conformance.space.Rewrite;
import anabranch.conformance.space.Sequence;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.route.Logits.TokenTable;
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
 * Its description answers the vector that it was fed plus what the layer says.
 *
 * <p>Where the layer reads token ids besides, every row gets an id of its own, with its vector in
 * the table of the embedding and its expert in that of the router.
 */
final class LayerReading implements Reading {
  /** More than any logit, so that a bias alone decides. */
  private static final float DECIDES = 1e6f;

  @Override
  public void compare(RecordedModel model, String name, int number, Finding finding) {
    String fed = name + ".in.x";
    if (!model.recording.has(fed)) {
      return;
    }
    Batch batch = Batch.of(model.recording, fed, name + ".in.attention_mask");
    float[] x = model.recording.floats(fed);
    Fed layer = fed(model, name, batch, x);
    List<Outcome> free = model.runOnce(layer.spec, layer.weights, layer.sequences);
    for (String out : List.of(name + ".out", name + ".gated_first_k_blocks.out")) {
      if (model.recording.has(out)) {
        out(model.recording, out, batch, x, free, finding);
      }
    }
    choices(model.recording, name, batch, free, finding);
    String forced = Pattern.quote(name) + "\\.blocks(\\d+)\\.out";
    for (MatchResult found : model.recording.matches(forced)) {
      Weights weights = choosing(layer, Integer.parseInt(found.group(1)));
      List<Outcome> outcomes = model.runOnce(layer.spec, weights, layer.sequences);
      out(model.recording, found.group(), batch, x, outcomes, finding);
    }
  }

  private record Fed(ModelSpec spec, Weights weights, List<Sequence> sequences) {}

  private static Fed fed(RecordedModel model, String name, Batch batch, float[] x) {
    int width = x.length / batch.padded();
    boolean tokens = model.spec.input() instanceof Input.Tokens;
    List<Sequence> sequences = new ArrayList<>();
    for (int line = 0; line < batch.lines().size(); line++) {
      int[] places = new int[batch.rows(line)];
      float[] vectors = new float[places.length * width];
      for (int row = 0; row < places.length; row++) {
        places[row] = batch.at(line, row);
        System.arraycopy(x, places[row] * width, vectors, row * width, width);
      }
      sequences.add(
          Sequence.of(tokens ? Event.ofTokens(places) : Event.ofFeatures(width, vectors)));
    }
    return tokens
        ? renumbered(model, model.recording.ints(name + ".in.input_ids"), x, sequences)
        : new Fed(model.spec, model.weights, sequences);
  }

  /** Numbers token ids anew, by row of the case. */
  private static Fed renumbered(
      RecordedModel model, int[] ids, float[] x, List<Sequence> sequences) {
    ModelSpec spec = model.spec;
    int rows = ids.length;
    ModelSpec tables = Rewrite.operations(spec, each -> withTable(each, rows));
    ModelSpec other =
        new ModelSpec(
            spec.name(),
            spec.width(),
            new Input.Tokens(rows, spec.input().maxLength()),
            spec.embedding(),
            tables.plan(),
            spec.head());
    Overlay overlay = new Overlay(model.weights);
    overlay.put("embedding.tokens", List.of(rows, x.length / rows), x);
    for (String name : model.weights.names()) {
      if (name.endsWith(".router.table")) {
        float[] table = Overlay.values(model.weights, name);
        float[] mine = new float[rows];
        for (int row = 0; row < rows; row++) {
          mine[row] = table[ids[row]];
        }
        overlay.put(name, List.of(rows), mine);
      }
    }
    return new Fed(other, overlay, sequences);
  }

  private static Operation withTable(Operation operation, int rows) {
    return operation instanceof Mixture mixture && mixture.router().logits() instanceof TokenTable
        ? mixture.with(
            mixture.expert(),
            mixture.router().with(mixture.router().source(), new TokenTable(rows)))
        : operation;
  }

  private static Weights choosing(Fed layer, int choice) {
    Overlay overlay = new Overlay(layer.weights);
    for (String name : layer.weights.names()) {
      if (name.endsWith(".router.bias")) {
        float[] bias = Overlay.values(layer.weights, name);
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
