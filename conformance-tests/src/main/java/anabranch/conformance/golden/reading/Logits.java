package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Batch;
import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.golden.recorded.Outcome;
import anabranch.conformance.golden.recorded.RecordedModel;
import java.util.List;

/** Logits of whole batches beside recorded ones. Stateless. */
final class Logits {
  private Logits() {}

  /**
   * Compares the logits of one step.
   *
   * @param key an array {@code [batch, columns, outputs]}, or {@code [batch, outputs]} for the last
   *     row of each line, or for the line as a whole where heads pool
   */
  static void compare(
      RecordedModel model,
      String key,
      Inputs inputs,
      int step,
      List<Outcome> outcomes,
      Finding finding) {
    float[] recorded = model.recording.floats(key);
    List<Integer> shape = model.recording.shape(key);
    int outputs = shape.get(shape.size() - 1);
    Batch batch = inputs.steps().get(step);
    boolean ofItem = model.spec.head().pool().ofItem();
    for (int line = 0; line < outcomes.size(); line++) {
      Outcome outcome = outcomes.get(line);
      String what = key + " line " + line;
      if (ofItem) {
        finding.numbers(what, recorded, line * outputs, outcome.logits().get(step));
        continue;
      }
      int first = inputs.first(step, line);
      int rows = batch.rows(line);
      if (shape.size() < 3) {
        finding.numbers(what, recorded, line * outputs, outcome.logits().get(first + rows - 1));
        continue;
      }
      for (int row = 0; row < rows; row++) {
        int offset = batch.at(line, row) * outputs;
        finding.numbers(what + " row " + row, recorded, offset, outcome.logits().get(first + row));
      }
    }
  }
}
