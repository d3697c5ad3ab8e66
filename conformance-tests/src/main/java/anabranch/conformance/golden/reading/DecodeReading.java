package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.golden.recorded.Leaving;
import anabranch.conformance.golden.recorded.Outcome;
import anabranch.conformance.golden.recorded.RecordedModel;
import anabranch.conformance.golden.recorded.Recording;
import anabranch.model.ModelSpec;
import java.util.List;

/**
 * {@code <case>.stepN.logits}: the prompt, then one call for each further token, which the sequence
 * continues; what an encoder reads is encoded once. The recorded tokens are fed, and at each step
 * the best of ours must be the recorded one, so that free decoding would have gone the same way.
 */
final class DecodeReading implements Reading {
  @Override
  public void compare(RecordedModel model, String name, int number, Finding finding) {
    Recording recording = model.recording;
    String step = name + ".step";
    List<String> ids = Inputs.calls(recording, name, model.hasEncoder());
    if (ids.isEmpty()) {
      return;
    }
    Inputs inputs = Inputs.inSteps(recording, name, model.hasEncoder(), ids);
    ModelSpec variant = Variant.of(model.spec, name, inputs);
    List<Outcome> outcomes = model.run(variant, inputs, Leaving.never());
    for (int n = 0; n < ids.size(); n++) {
      Logits.compare(model, step + n + ".logits", inputs, n, outcomes, finding);
      Traces.compare(model, step + n, inputs, n, outcomes, finding);
    }
    if (recording.has(name + ".greedy_ids")) {
      tokens(recording, name + ".greedy_ids", inputs, outcomes, finding);
    }
    if (recording.has(name + ".full_recompute_logits")) {
      atOnce(model, name + ".full_recompute_logits", inputs, variant, finding);
    }
  }

  /**
   * Compares the best token behind each step with the last columns of an array.
   *
   * @param key {@code [batch, columns]}
   */
  static void tokens(
      Recording recording, String key, Inputs inputs, List<Outcome> outcomes, Finding finding) {
    int[] recorded = recording.ints(key);
    int columns = recording.shape(key).get(1);
    int steps = inputs.steps().size();
    for (int line = 0; line < outcomes.size(); line++) {
      for (int n = 0; n < steps; n++) {
        int last = inputs.first(n, line) + inputs.steps().get(n).rows(line) - 1;
        finding.decision(
            Finding.Kind.TOKENS,
            key + " line " + line + " step " + n,
            recorded[line * columns + columns - steps + n],
            outcomes.get(line).label(last));
      }
    }
  }

  /** Compares one call of all rows, which stand side by side in the recording. */
  private static void atOnce(
      RecordedModel model, String key, Inputs inputs, ModelSpec variant, Finding finding) {
    Inputs whole = inputs.joined();
    List<Outcome> outcomes = model.run(variant, whole, Leaving.never());
    Logits.compare(model, key, whole, 0, outcomes, finding);
  }
}
