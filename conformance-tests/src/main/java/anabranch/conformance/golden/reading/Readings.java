package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.RecordedModel;
import java.util.ArrayList;
import java.util.List;

/** Compares all that is recorded of one model. Stateless. */
public final class Readings {
  private static final List<Reading> READINGS =
      List.of(
          new WholeReading(),
          new DecodeReading(),
          new ExitReading(),
          new PolicyReading(),
          new LayerReading());

  private Readings() {}

  /** Returns a finding for each case, and one for what was recorded of all cases together. */
  public static List<Finding> compare(String name, RecordedModel model) {
    List<Finding> findings = new ArrayList<>();
    List<String> cases = model.recording.cases();
    for (int number = 0; number < cases.size(); number++) {
      int place = number;
      String each = cases.get(number);
      findings.add(
          guarded(
              name + " " + each,
              finding ->
                  READINGS.forEach(reading -> reading.compare(model, each, place, finding))));
    }
    if (!model.recording.matches("batch\\..*").isEmpty()) {
      findings.add(
          guarded(name + " batch", finding -> PatienceOfBatch.compare(model, cases, finding)));
    }
    return findings;
  }

  private interface Comparison {
    void fill(Finding finding);
  }

  /** Whatever goes wrong in a case belongs to that case. */
  private static Finding guarded(String name, Comparison comparison) {
    Finding finding = new Finding(name);
    try {
      comparison.fill(finding);
    } catch (RuntimeException | AssertionError wrong) {
      finding.fail(String.valueOf(wrong));
    }
    return finding;
  }
}
