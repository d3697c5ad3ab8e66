package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.golden.recorded.Leaving;
import anabranch.conformance.golden.recorded.Outcome;
import anabranch.conformance.golden.recorded.RecordedModel;
import anabranch.conformance.golden.recorded.Recording;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * What heads say of everybody at one depth: {@code <case>.exitE.logits} behind E blocks, {@code
 * <case>.exit_logits} behind each, {@code <case>.final_logits} at the end, and {@code
 * <case>.exitE.stepN.logits} of sequences that are continued by their first E blocks alone.
 */
final class ExitReading implements Reading {
  @Override
  public void compare(RecordedModel model, String name, int number, Finding finding) {
    Recording recording = model.recording;
    String exit = Pattern.quote(name) + "\\.exit(\\d+)\\.";
    for (MatchResult found : recording.matches(exit + "logits")) {
      at(model, name, found.group(), Integer.parseInt(found.group(1)), finding);
    }
    if (recording.has(name + ".exit_logits")) {
      each(model, name, finding);
    }
    if (recording.has(name + ".final_logits")) {
      at(model, name, name + ".final_logits", Integer.MAX_VALUE, finding);
    }
    for (MatchResult found : recording.matches(exit + "step0\\.logits")) {
      draft(model, name, Integer.parseInt(found.group(1)), finding);
    }
  }

  private static void at(RecordedModel model, String name, String key, int depth, Finding finding) {
    Inputs inputs = Inputs.whole(model.recording, name, model.hasEncoder());
    Leaving leaving = Leaving.behind(model.stepAt(depth));
    Logits.compare(model, key, inputs, 0, model.run(model.spec, inputs, leaving), finding);
  }

  /** Compares {@code [depths, classes]} or {@code [depths, batch, classes]}. */
  private static void each(RecordedModel model, String name, Finding finding) {
    String key = name + ".exit_logits";
    Inputs inputs = Inputs.whole(model.recording, name, model.hasEncoder());
    List<Integer> shape = model.recording.shape(key);
    float[] recorded = model.recording.floats(key);
    int classes = shape.get(shape.size() - 1);
    int lines = inputs.sequences().size();
    for (int depth = 1; depth <= shape.get(0); depth++) {
      Leaving leaving = Leaving.behind(model.stepAt(depth));
      List<Outcome> outcomes = model.run(model.spec, inputs, leaving);
      for (int line = 0; line < lines; line++) {
        int offset = ((depth - 1) * lines + line) * classes;
        String what = key + " behind " + depth + " line " + line;
        finding.numbers(what, recorded, offset, outcomes.get(line).logits().get(0));
      }
    }
  }

  private static void draft(RecordedModel model, String name, int depth, Finding finding) {
    Recording recording = model.recording;
    String exit = name + ".exit" + depth;
    List<Integer> shape = recording.shape(exit + ".ids");
    int[] ids = recording.ints(exit + ".ids");
    Inputs inputs = Inputs.whole(recording, name, model.hasEncoder());
    for (int n = 1; n < shape.get(1); n++) {
      List<Integer> tokens = new ArrayList<>();
      for (int line = 0; line < shape.get(0); line++) {
        tokens.add(ids[line * shape.get(1) + n - 1]);
      }
      inputs = inputs.then(tokens);
    }
    Leaving leaving = Leaving.behind(model.stepAt(depth));
    List<Outcome> outcomes = model.run(model.spec, inputs, leaving);
    for (int n = 0; recording.has(exit + ".step" + n + ".logits"); n++) {
      Logits.compare(model, exit + ".step" + n + ".logits", inputs, n, outcomes, finding);
    }
    DecodeReading.tokens(recording, exit + ".ids", inputs, outcomes, finding);
  }
}
