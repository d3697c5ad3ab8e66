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

/**
 * {@code batch.patienceP.*}: all cases as one batch that leaves as one, when the labels of all its
 * rows have been those of the exit before P times in a row (PABEE). No policy says that of an item,
 * so the rule is applied here to the labels of our own heads, and the exit it names is forced on
 * every item.
 */
final class PatienceOfBatch {
  private PatienceOfBatch() {}

  /** Compares all that is recorded of the batch. */
  static void compare(RecordedModel model, List<String> cases, Finding finding) {
    Recording recording = model.recording;
    for (MatchResult found : recording.matches("batch\\.patience(\\d+)\\.logits")) {
      int patience = Integer.parseInt(found.group(1));
      int layers = recording.shape(cases.get(0) + ".exit_logits").get(0);
      int depth = depth(model, cases, layers, patience);
      int recorded = recording.ints("batch.patience" + patience + ".layers_run")[0];
      finding.decision(Finding.Kind.EXITS, found.group(), recorded, depth);
      float[] logits = recording.floats(found.group());
      List<Outcome> outcomes = behind(model, cases, depth);
      for (int line = 0; line < outcomes.size(); line++) {
        double[] ours = outcomes.get(line).logits().get(0);
        finding.numbers(found.group() + " line " + line, logits, line * ours.length, ours);
      }
    }
  }

  private static int depth(RecordedModel model, List<String> cases, int layers, int patience) {
    List<Integer> before = List.of();
    int equal = 0;
    for (int depth = 1; depth < layers; depth++) {
      List<Integer> labels =
          behind(model, cases, depth).stream().map(outcome -> outcome.label(0)).toList();
      equal = labels.equals(before) ? equal + 1 : 0;
      before = labels;
      if (equal == patience) {
        return depth;
      }
    }
    return layers;
  }

  private static List<Outcome> behind(RecordedModel model, List<String> cases, int depth) {
    List<Outcome> outcomes = new ArrayList<>();
    for (String name : cases) {
      Inputs inputs = Inputs.whole(model.recording, name, model.hasEncoder());
      Leaving leaving = Leaving.behind(model.stepAt(depth));
      outcomes.addAll(model.run(model.spec, inputs, leaving));
    }
    return outcomes;
  }
}
