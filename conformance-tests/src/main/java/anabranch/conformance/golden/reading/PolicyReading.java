package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.golden.recorded.Leaving;
import anabranch.conformance.golden.recorded.Outcome;
import anabranch.conformance.golden.recorded.RecordedModel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Where units leave on their own. {@code <case>.thresholdJ.logits} was recorded with the number
 * {@code thresholdJ.value} at every exit, {@code <case>.patienceP.logits} with P, 0 for no exit;
 * after how many layers each case left stands in {@code thresholdJ.exit_layer_1based} and {@code
 * patienceP.layers_run}.
 */
final class PolicyReading implements Reading {
  @Override
  public void compare(RecordedModel model, String name, int number, Finding finding) {
    String key = Pattern.quote(name) + "\\.((threshold|patience)(\\d+))\\.logits";
    for (MatchResult found : model.recording.matches(key)) {
      String setting = found.group(1);
      boolean patience = found.group(2).equals("patience");
      float threshold =
          patience
              ? Integer.parseInt(found.group(3))
              : model.recording.floats(setting + ".value")[0];
      String depths = setting + (patience ? ".layers_run" : ".exit_layer_1based");
      Leaving leaving =
          patience && threshold == 0 ? Leaving.never() : Leaving.by(everywhere(model, threshold));
      Inputs inputs = Inputs.whole(model.recording, name, model.hasEncoder());
      List<Outcome> outcomes = model.run(model.spec, inputs, leaving);
      Logits.compare(model, found.group(), inputs, 0, outcomes, finding);
      if (model.recording.has(depths)) {
        int[] all = model.recording.ints(depths);
        String what = depths + "[" + number + "]";
        outcomes.forEach(
            outcome -> left(model, name, what, all[number], setting, outcome, finding));
      }
    }
  }

  private static Map<String, Double> everywhere(RecordedModel model, float threshold) {
    Map<String, Double> thresholds = new LinkedHashMap<>();
    model.exits().forEach(exit -> thresholds.put(exit, (double) threshold));
    return thresholds;
  }

  /** Compares depth and, of an early exit, the score; layers end where the recorded heads end. */
  private static void left(
      RecordedModel model,
      String name,
      String what,
      int recorded,
      String setting,
      Outcome outcome,
      Finding finding) {
    int layers = model.recording.shape(name + ".exit_logits").get(0);
    int depth = Math.min(layers, model.depth(outcome.exits().get(0)));
    finding.decision(Finding.Kind.EXITS, what, recorded, depth);
    String scores = name + ".exit_entropy";
    if (model.recording.has(scores) && depth == recorded && depth < layers) {
      float[] entropy = model.recording.floats(scores);
      double[] score = {outcome.scores().get(0)};
      finding.numbers(scores + " at " + setting, entropy, depth - 1, score);
    }
  }
}
