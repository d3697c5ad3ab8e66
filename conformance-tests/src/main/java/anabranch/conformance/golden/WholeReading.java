package anabranch.conformance.golden;

import anabranch.model.ModelSpec;
import java.util.List;

/** {@code <case>.logits}: all rows in one call, to full depth, with every decision inside. */
final class WholeReading implements Reading {
  @Override
  public void compare(Model model, String name, int number, Finding finding) {
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
