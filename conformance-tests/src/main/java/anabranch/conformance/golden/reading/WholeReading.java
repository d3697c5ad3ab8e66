package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.golden.recorded.Leaving;
import anabranch.conformance.golden.recorded.Outcome;
import anabranch.conformance.golden.recorded.RecordedModel;
import anabranch.model.ModelSpec;
import java.util.List;

/** {@code <case>.logits}: all rows in one call, to full depth, with every decision inside. */
final class WholeReading implements Reading {
  @Override
  public void compare(RecordedModel model, String name, int number, Finding finding) {
    String key = name + ".logits";
    if (!model.recording.has(key)) {
      return;
    }
    Inputs inputs = Inputs.whole(model.recording, name, model.hasEncoder());
    ModelSpec variant = Variant.of(model.spec, name, inputs);
    List<Outcome> outcomes = model.run(variant, inputs, Leaving.never());
    Logits.compare(model, key, inputs, 0, outcomes, finding);
    Traces.compare(model, name, inputs, 0, outcomes, finding);
  }
}
